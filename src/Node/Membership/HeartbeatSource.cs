using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Replica;
using Kv.Node.Signals;
using Kv.Node.Telemetry;

namespace Kv.Node.Membership;

/// <summary>This node's beats: what its replica, its topology and its readiness are at the moment.</summary>
internal sealed class HeartbeatSource(
    NodeIdentity self,
    Published<ClusterTopology> topology,
    ReplicaState replica,
    FillProgress filling,
    ServingFloor floor,
    Readiness readiness,
    Departure departure,
    RequestRate rate,
    TimeProvider time)
    : IHeartbeatSource
{
    public Heartbeat Next()
    {
        // What is held is said together with the topology under which it was held: a joiner measures itself by that.
        ClusterTopology view;
        ReplicaSnapshot snapshot;
        do
        {
            view = topology.Current;
            snapshot = replica.Snapshot.Current;
        }
        while (!ReferenceEquals(view, topology.Current));
        return new(
            self.Cluster,
            self.Address,
            self.Incarnation,
            view.Epoch,
            view.Digest,
            snapshot.Vector,
            snapshot.Place,
            filling.Report(snapshot),
            // Also what it is about to owe: the writer has not followed the topology yet.
            !snapshot.Former.IsEmpty || snapshot.Place?.Layout < view.Layout,
            snapshot.LiveKeys,
            time.GetUtcNow().ToUnixTimeMilliseconds(),
            readiness.WhyNot() is null,
            floor.IsComplete)
        {
            Replica = snapshot.Report(self),
            RequestsPerSecond = (uint)Math.Round(rate.PerSecond()),
            Departure = departure.Stage,
        };
    }
}
