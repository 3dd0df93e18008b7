using System.Collections.Immutable;
using Kv.Common.Membership;
using Kv.Common.Topology;
using Kv.Node.Signals;
using Kv.Node.Topology;

namespace Kv.Node.Requests;

/// <summary>What an operator asks about the number of shards, from request to outcome; any node can be asked, and none is needed once it has begun.</summary>
internal sealed class Resharding(
    Published<ClusterTopology> topology, Published<MembershipView> membership, TopologyChanges changes, TimeProvider time, TopologyOptions options)
{
    /// <summary>
    /// Has the cluster form so many shards. 1. Begin. 2. Wait until it is committed or cancelled, which is others' work. 3. Wait until those who can be
    /// heard act on it, so that whoever is asked next answers by it. Cancelled, it only stops to wait.
    /// </summary>
    public async Task<MembershipOutcome> ReshardAsync(int shardCount, CancellationToken cancellation)
    {
        // 1.
        var id = changes.NewOperation();
        var live = membership.Current.LiveMembers.Where(member => membership.Current.IsReachable(member)).ToImmutableArray();
        var begun = await changes.ChangeAsync(new TopologyChange.BeginReshard(id, shardCount, live), cancellation);
        if (begun is not ChangeOutcome.Done done) return MembershipOutcome.Of(begun);
        if (!done.Changed) return new MembershipOutcome.Done();

        // 2.
        var ended = await topology.WaitAsync(next => next.Epoch >= done.Topology.Epoch && next.Transition?.Id != id, cancellation);
        // Another one may have ended before this node learned of either: who did not see how it ended must not say.
        if (ended.LastReshard is not { } last || last.Id != id) return new MembershipOutcome.Overtaken();
        if (!last.Committed) return new MembershipOutcome.Cancelled();

        // 3.
        await UntilFollowedAsync(ended, cancellation);
        return new MembershipOutcome.Done();
    }

    /// <summary>Gives up the reshard under way, if it has not been committed.</summary>
    public async Task<MembershipOutcome> CancelAsync(CancellationToken cancellation) =>
        topology.Current.Transition is { } transition
            ? MembershipOutcome.Of(await changes.ChangeAsync(new TopologyChange.CancelReshard(changes.NewOperation(), transition.Id), cancellation))
            : new MembershipOutcome.Refused(ChangeRefusal.NoSuchReshard);

    private async Task UntilFollowedAsync(ClusterTopology ended, CancellationToken cancellation)
    {
        using var patience = new CancellationTokenSource(options.ChangeTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
        try
        {
            await membership.WaitAsync(view => view.Peers.All(peer => !peer.IsReachable || HasFollowed(peer, ended)), either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // Whoever does not come along is behind, and learns it from the next heartbeat.
        }
    }

    private static bool HasFollowed(PeerView peer, ClusterTopology ended) => peer.Epoch >= ended.Epoch && (peer.Place is null || peer.Place.Value.Layout >= ended.Layout);
}
