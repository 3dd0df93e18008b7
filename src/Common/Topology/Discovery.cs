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

    /// <summary>Who said in the round before that it belongs to a cluster, while others were silent.</summary>
    private ImmutableSortedDictionary<NodeAddress, ClusterTopology> Found { get; init; } = ImmutableSortedDictionary<NodeAddress, ClusterTopology>.Empty;

    /// <summary>
    /// Takes in one round of questions, which ended at <paramref name="now"/> on a clock that only goes forward. Whoever is not in <paramref name="heard"/> did
    /// not answer.
    /// </summary>
    public (Discovery Next, DiscoveryDecision Decision) Hear(IReadOnlyDictionary<NodeAddress, DiscoveryAnswer> heard, TimeSpan now)
    {
        var others = _view.Remove(_self);
        var silent = others.Where(peer => !heard.ContainsKey(peer)).ToImmutableArray();
        var found = Found.SetItems(others.Where(peer => heard.GetValueOrDefault(peer) is DiscoveryAnswer.Belongs)
            .Select(peer => KeyValuePair.Create(peer, ((DiscoveryAnswer.Belongs)heard[peer]).Topology)));
        if (!found.IsEmpty)
        {
            var decision = Choose(found);
            // One who was silent may belong to another cluster. It is asked once more; who is silent twice may be dead, and is not waited for.
            return decision is DiscoveryDecision.Join && !silent.IsEmpty && Found.IsEmpty ? (this with { Found = found }, new DiscoveryDecision.Wait(silent, [])) : (this, decision);
        }

        var strangers = others.Where(peer => heard.GetValueOrDefault(peer) is DiscoveryAnswer.Undecided undecided && !undecided.View.SetEquals(_view)).ToImmutableArray();
        var alike = _view.Count - silent.Length - strangers.Length;
        var next = this with { MajoritySince = strangers.IsEmpty && alike > _view.Count / 2 ? MajoritySince ?? now : null };
        if (alike == _view.Count || now - next.MajoritySince >= _patience) return (next, new DiscoveryDecision.Form(Genesis.Provisional(_view, 1)));
        return (next, new DiscoveryDecision.Wait(silent, strangers));
    }

    private static DiscoveryDecision Choose(ImmutableSortedDictionary<NodeAddress, ClusterTopology> found)
    {
        var (peer, newest) = found.First();
        foreach (var (other, topology) in found.Skip(1))
        {
            if (topology.Cluster != newest.Cluster) return new DiscoveryDecision.Torn(peer, newest.Cluster, other, topology.Cluster);
            if (topology.Epoch > newest.Epoch) newest = topology;
        }

        return new DiscoveryDecision.Join(newest);
    }
}
