using System.Collections.Immutable;
using Kv.Common.Identity;

namespace Kv.Common.Topology;

/// <summary>
/// How a node that was given no SHARD_COUNT and has no data finds out which cluster it belongs to, from what the others in its VIEW say, round after round:
/// the one that somebody there belongs to, else the one of VIEW in one shard. Immutable; a round gives the next one.
/// <para>
/// Why nodes that form a cluster form the same one: they do so only with others of the same VIEW, and VIEW alone gives the cluster. It does not matter
/// that they may come to it at different moments or by different rules, nor that one which stopped looking answers another with the topology it formed.
/// Which incarnations the cluster begins with is not settled here but by its seal.
/// </para>
/// </summary>
public sealed record Discovery
{
    private readonly NodeAddress _self;
    private readonly ImmutableSortedSet<NodeAddress> _view;
    private readonly TimeSpan _patience;

    /// <summary>
    /// <paramref name="view"/> includes <paramref name="self"/>. <paramref name="patience"/>: for how long a majority waits for the rest of VIEW, who may know of
    /// a cluster or have been given a SHARD_COUNT.
    /// </summary>
    public Discovery(NodeAddress self, IReadOnlyCollection<NodeAddress> view, TimeSpan patience)
    {
        _self = self;
        _view = [.. view];
        _patience = patience;
        if (!_view.Contains(self)) throw new ArgumentException($"{self} is not in the view.", nameof(view));
    }

    /// <summary>Since when, without a break, a majority has been looking among the same nodes and nobody among others.</summary>
    private TimeSpan? MajoritySince { get; init; }

    /// <summary>
    /// Takes in one round of questions, which ended at <paramref name="now"/> on a clock that only goes forward. Whoever is not in <paramref name="heard"/> did
    /// not answer.
    /// </summary>
    public (Discovery Next, DiscoveryDecision Decision) Hear(IReadOnlyDictionary<NodeAddress, DiscoveryAnswer> heard, TimeSpan now)
    {
        var others = _view.Remove(_self);
        var found = others.Where(peer => heard.GetValueOrDefault(peer) is DiscoveryAnswer.Belongs)
            .Select(peer => (Peer: peer, ((DiscoveryAnswer.Belongs)heard[peer]).Topology))
            .ToList();
        if (found.Count > 0) return (this, Choose(found));

        var silent = others.Where(peer => !heard.ContainsKey(peer)).ToImmutableArray();
        var strangers = others.Where(peer => heard.GetValueOrDefault(peer) is DiscoveryAnswer.Undecided undecided && !undecided.View.SetEquals(_view)).ToImmutableArray();
        var alike = _view.Count - silent.Length - strangers.Length;
        var next = this with { MajoritySince = strangers.IsEmpty && alike > _view.Count / 2 ? MajoritySince ?? now : null };
        if (alike == _view.Count || now - next.MajoritySince >= _patience) return (next, new DiscoveryDecision.Form(Genesis.Provisional(_view, 1)));
        return (next, new DiscoveryDecision.Wait(silent, strangers));
    }

    private static DiscoveryDecision Choose(List<(NodeAddress Peer, ClusterTopology Topology)> found)
    {
        var newest = found[0];
        foreach (var other in found.Skip(1))
        {
            if (other.Topology.Cluster != newest.Topology.Cluster) return new DiscoveryDecision.Torn(newest.Peer, newest.Topology.Cluster, other.Peer, other.Topology.Cluster);
            if (other.Topology.Epoch > newest.Topology.Epoch) newest = other;
        }

        return new DiscoveryDecision.Join(newest.Topology);
    }
}
