using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Topology;
using Kv.Node.Replica;
using Kv.Node.Signals;

namespace Kv.Node.Backup;

/// <summary>
/// Waits until what was restored is everywhere: then it makes no difference any more that keys of one window do not depend on each other. A replica that is away meanwhile catches up before it serves again.
/// </summary>
internal sealed class RestoreSpread(
    NodeIdentity self, Published<ClusterTopology> topology, Published<MembershipView> membership, ReplicaState replica, TimeProvider time, BackupOptions options)
{
    /// <summary>Completes when every replica that can be reached holds what <paramref name="token"/> names, or after <see cref="BackupOptions.RestorePatience"/>.</summary>
    public async Task UntilHeldAsync(CausalToken token, CancellationToken cancellation)
    {
        using var patience = new CancellationTokenSource(options.RestorePatience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
        try
        {
            await membership.WaitAsync(view => topology.Current.Shards.All(shard => shard.Members.All(member => !view.IsReachable(member) || Holds(view, shard.Id, member, token))), either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // Whoever is so far behind has its own ways to catch up.
        }
    }

    private bool Holds(MembershipView view, ShardId shard, NodeAddress member, CausalToken token)
    {
        var group = topology.Current.GroupOf(shard);
        var (place, vector) = member.Equals(self.Address)
            ? (replica.Snapshot.Current.Place, replica.Snapshot.Current.Vector)
            : (view.Find(member)?.Place, view.Find(member)?.Vector ?? VersionVector.Empty);
        return place == group && vector.Covers(topology.Current.Concerning(group, token.Dependencies));
    }
}
