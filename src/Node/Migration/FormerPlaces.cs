using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Migration;
using Kv.Common.Topology;
using Kv.Node.Replica;
using Kv.Node.Signals;

namespace Kv.Node.Migration;

/// <summary>
/// Forgets ended groups of which nobody needs this node's log any more: in every shard that owns some of their keys, all members hold what it holds. One that is dead counts
/// as well, until the topology names it no more: by the next layout it may own these keys with others who lack the same, and without those who hold it (seed 15448).
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
    }

    // Not while a reshard is under way: those who are being filled have their cut from the present owners already, and get what comes late only from here.
    private bool IsHeldByAll(FormerPlace former)
    {
        var view = topology.Current;
        if (view.Transition is not null) return false;
        return view.Shards.Where(shard => view.Concerns(former.Group, view.GroupOf(shard.Id))).All(shard => IsHeldBy(shard, view, former));
    }

    // One that lacks what the log here does not reach back to cannot be helped from here.
    private static bool HasAll(VersionVector held, FormerPlace former) =>
        former.Vector.Where(dot => dot.Origin.Group == former.Group).All(dot => held.Covers(dot) || held[dot.Origin] < former.LoggedAfter[dot.Origin]);

    private bool IsHeldBy(ShardMembers shard, ClusterTopology view, FormerPlace former)
    {
        var peers = membership.Current;
        var group = view.GroupOf(shard.Id);
        foreach (var member in shard.Members)
        {
            if (member.Equals(self.Address))
            {
                if (replica.Snapshot.Current is not { } here || here.Place != group || !HasAll(here.Vector, former)) return false;
            }
            else if (peers.Find(member) is not { IsMember: true } peer || peer.Place != group || peer.Epoch > view.Epoch || !HasAll(peer.Vector, former))
            {
                // One that acts on a newer topology may be about to be something else.
                return false;
            }
        }

        return true;
    }
}
