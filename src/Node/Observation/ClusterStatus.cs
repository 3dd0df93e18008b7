using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Topology;
using Kv.Node.Membership;
using Kv.Node.Migration;
using Kv.Node.Replica;
using Kv.Node.Requests;
using Kv.Node.Signals;
using Kv.Node.Telemetry;

namespace Kv.Node.Observation;

/// <summary>Looks at the cluster: what this node knows of itself, and what the others said in their last heartbeats. Asks nobody, so it takes no time whoever is dead.</summary>
internal sealed class ClusterStatus(
    NodeIdentity self,
    Published<ClusterTopology> topology,
    Published<MembershipView> membership,
    ReplicaState replica,
    FillProgress filling,
    Readiness readiness,
    RequestRate rate,
    Convergence convergence,
    ReshardProgress reshard,
    TimeProvider time)
{
    public StatusReport Report()
    {
        var (view, peers) = (topology.Current, membership.Current);
        var equality = convergence.Report();
        var replicas = equality.Shards.SelectMany(shard => shard.Replicas).ToDictionary(each => each.Address);
        var now = time.Monotonic();
        var nodes = peers.Peers.Select(peer => Of(peer, view, replicas.GetValueOrDefault(peer.Address), now)).Append(OfSelf(view, replicas.GetValueOrDefault(self.Address)));
        return new(self, time.GetUtcNow(), view, [.. nodes.OrderBy(node => node.Address)], equality, reshard.Report(), reshard.Last);
    }

    private NodeStatus OfSelf(ClusterTopology view, ReplicaConvergence? equality)
    {
        var snapshot = replica.Snapshot.Current;
        var (shard, role) = PlaceOf(self.Address, view);
        var reason = readiness.WhyNot();
        var condition = role is ReplicaRole.Joining ? NodeCondition.Joining : reason is null ? NodeCondition.Alive : NodeCondition.NotReady;
        return new(
            self.Address, self.Incarnation, condition, view.IsMember(self), shard, role, view.Epoch, snapshot.LiveKeys, rate.PerSecond(), equality, filling.Report(snapshot),
            LastHeard: null, Suspicion: 0, ClockSkew: TimeSpan.Zero, reason);
    }

    private static NodeStatus Of(PeerView peer, ClusterTopology view, ReplicaConvergence? equality, TimeSpan now)
    {
        var (shard, role) = PlaceOf(peer.Address, view);
        var condition = peer.State switch
        {
            PeerState.Dead => NodeCondition.Dead,
            PeerState.Suspect => NodeCondition.Suspected,
            PeerState.Unknown => NodeCondition.Unknown,
            _ when role is ReplicaRole.Joining => NodeCondition.Joining,
            _ => peer.Ready ? NodeCondition.Alive : NodeCondition.NotReady,
        };
        return new(
            peer.Address, peer.Incarnation, condition, peer.IsMember, shard, role, peer.Epoch, peer.LiveKeys,
            // What a dead one said last is no load.
            peer.State is PeerState.Alive ? peer.RequestsPerSecond : 0, equality, peer.Filling,
            peer.Incarnation.IsNone ? null : now - peer.LastHeard, peer.Suspicion, peer.ClockSkew, Reason: null);
    }

    private static (ShardId? Shard, ReplicaRole Role) PlaceOf(NodeAddress address, ClusterTopology view)
    {
        if (view.ReplicatedBy(address) is not { } shard) return (null, ReplicaRole.None);
        return (shard.Id, shard.Includes(address) ? ReplicaRole.Member : shard.Joining.Contains(address) ? ReplicaRole.Joining : ReplicaRole.Leaving);
    }
}
