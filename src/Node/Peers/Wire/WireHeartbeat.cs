using Kv.Common.Identity;
using Kv.Node.Membership;
using W = Kv.Wire;

namespace Kv.Node.Peers.Wire;

/// <summary>Heartbeats between their domain and wire forms.</summary>
internal static class WireHeartbeat
{
    public static W.Heartbeat ToWire(this Heartbeat beat) => new()
    {
        Sender = new NodeIdentity(beat.Cluster, beat.From, beat.Incarnation).ToWire(),
        Epoch = beat.Epoch.Value,
        TopologyDigest = beat.TopologyDigest,
        Vector = beat.Vector.ToWire(),
        Stable = beat.Stable.ToWire(),
        KeyCount = (ulong)beat.LiveKeys,
        SentUnixMs = beat.SentUnixMs,
        Ready = beat.Ready,
        Complete = beat.Complete,
    };

    public static Heartbeat ToDomain(this W.Heartbeat wire)
    {
        var sender = wire.Sender.ToDomain();
        return new(
            sender.Cluster,
            sender.Address,
            sender.Incarnation,
            new(wire.Epoch),
            wire.TopologyDigest,
            wire.Vector.ToDomain(),
            wire.Stable.ToDomain(),
            (long)wire.KeyCount,
            wire.SentUnixMs,
            wire.Ready,
            wire.Complete);
    }
}
