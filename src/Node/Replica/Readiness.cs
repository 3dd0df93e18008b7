using Kv.Common.Time;

namespace Kv.Node.Replica;

/// <summary>Whether this node can serve its shard. Read by the probes and told to the peers in heartbeats.</summary>
internal sealed class Readiness(ReplicaState replica, ServingFloor floor, TimeProvider time)
{
    private volatile string? _holding = "Starting";

    /// <summary>Something in the node's life stands in the way; null lifts it.</summary>
    public void Hold(string? reason) => _holding = reason;

    /// <summary>Null when ready, else the reason for people to read.</summary>
    public string? WhyNot()
    {
        if (_holding is { } reason) return reason;
        if (!floor.IsUpToDate) return "Catching up with the shard";
        var ahead = replica.Snapshot.Current.UnmergedStamp;
        return HybridLogicalClock.IsTooFarAhead(ahead, time.GetUtcNow().ToUnixTimeMilliseconds())
            ? "Clock is behind a peer's by more than may be merged"
            : null;
    }
}
