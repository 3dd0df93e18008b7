using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Migration;
using Kv.Common.Topology;
using Kv.Node.Replica;
using Kv.Node.Signals;

namespace Kv.Node.Migration;

/// <summary>
/// Forgets ended groups of which nobody needs this node's log any more: in every shard that owns some of their keys, all members that are not dead hold what it
/// holds, and there is one at least. One that is dead gets what it lacks from those.
/// </summary>
internal sealed class FormerPlaces(
    NodeIdentity self, Published<ClusterTopology> topology, Published<MembershipView> membership, ReplicaState replica, TimeProvider time, MigrationOptions options)
{
    /// <summary>Looks after it until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                var snapshot = await replica.Snapshot.WaitAsync(next => !next.Former.IsEmpty, cancellation);
                foreach (var former in snapshot.Former.Where(IsHeldByAll)) await replica.ForgetFormerAsync(former.Group);
                await Task.Delay(options.ReviewInterval, time, cancellation);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
        catch (System.Threading.Channels.ChannelClosedException) when (cancellation.IsCancellationRequested)
        {
            // When the node stops, the writer may have closed its mailbox already.
        }
    }

    private bool IsHeldByAll(FormerPlace former)
    {
        var view = topology.Current;
        var written = former.Vector.OfGroups(group => group == former.Group);
        return view.Shards.Where(shard => view.Concerns(former.Group, view.GroupOf(shard.Id))).All(shard => IsHeldBy(shard, view, written));
    }

    private bool IsHeldBy(ShardMembers shard, ClusterTopology view, Kv.Common.Causality.VersionVector written)
    {
        var peers = membership.Current;
        var group = view.GroupOf(shard.Id);
        var holders = 0;
        foreach (var member in shard.Members)
        {
            if (member.Equals(self.Address))
            {
                if (replica.Snapshot.Current is not { } here || here.Place != group || !here.Vector.Covers(written)) return false;
            }
            else if (peers.Find(member) is { State: not PeerState.Dead } peer)
            {
                if (peer.Place != group || !peer.Vector.Covers(written)) return false;
            }
            else
            {
                continue;
            }

            holders++;
        }

        return holders > 0;
    }
}
