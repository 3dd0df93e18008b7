using Kv.Common.Identity;
using Kv.Common.Time;
using Kv.Common.Topology;
using Kv.Node.Signals;

namespace Kv.Node.Replica;

/// <summary>Whether this node can serve its shard. Read by the probes and told to the peers in heartbeats.</summary>
internal sealed class Readiness(NodeIdentity self, Published<ClusterTopology> topology, ReplicaState replica, ServingFloor floor, TimeProvider time)
{
    private volatile string? _holding = "Starting";
    private volatile string? _ending;

    /// <summary>Something in the node's life stands in the way; null lifts it.</summary>
    public void Hold(string? reason) => _holding = reason;

    /// <summary>The node's life is at its end: the first reason stays.</summary>
    public void End(string reason) => _ending ??= reason;

    /// <summary>Null when ready, else the reason for people to read.</summary>
    public string? WhyNot()
    {
        if ((_ending ?? _holding) is { } reason) return reason;
        if (!topology.Current.IsMember(self)) return "Not a member of the cluster";
        if (!floor.IsUpToDate) return "Catching up with the shard";
        var ahead = replica.Snapshot.Current.UnmergedStamp;
        return HybridLogicalClock.IsTooFarAhead(ahead, time.GetUtcNow().ToUnixTimeMilliseconds())
            ? "Clock is behind a peer's by more than may be merged"
            : null;
    }
}
