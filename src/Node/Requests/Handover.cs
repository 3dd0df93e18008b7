using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Topology;
using Kv.Node.Replica;
using Kv.Node.Signals;

namespace Kv.Node.Requests;

/// <summary>
/// Before a node ends: whether its own writes are with somebody who stays. They are safe on its disk, but while it is away nobody could read those that only it holds, and who has read them
/// would wait in vain. Nothing is sent for it that is not sent anyway; it is only waited for.
/// </summary>
internal sealed class Handover(
    NodeIdentity self, Published<ClusterTopology> topology, ReplicaState replica, Published<MembershipView> membership, WriteConcern concern)
{
    /// <summary>True when there is somebody to hand over to and it lacks something.</summary>
    public bool IsOwed
    {
        get
        {
            var view = topology.Current;
            var snapshot = replica.Snapshot.Current;
            if (snapshot.Place is not { } place || view.ReplicatedBy(self.Address) is not { } shard || view.GroupOf(shard.Id) != place) return false;
            var origin = new Origin(self.Incarnation, place);
            var own = snapshot.Vector[origin];
            return own > 0 && shard.Members.Any(Stays) && !concern.IsHeldBy(Stays, new(origin, own), shard);
        }
    }

    private bool Stays(NodeAddress member) =>
        !member.Equals(self.Address) && membership.Current.Find(member) is { IsReachable: true, Departure: DepartureStage.Staying };
}
