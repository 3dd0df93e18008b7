using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Migration;
using Kv.Node.Membership;
using W = Kv.Wire;

namespace Kv.Node.Peers.Wire;

/// <summary>Heartbeats between their domain and wire forms.</summary>
internal static class WireHeartbeat
{
    public static W.Heartbeat ToWire(this Heartbeat beat)
    {
        var wire = new W.Heartbeat
        {
            Sender = new NodeIdentity(beat.Cluster, beat.From, beat.Incarnation).ToWire(),
            Epoch = beat.Epoch.Value,
            TopologyDigest = beat.TopologyDigest,
            Vector = beat.Vector.ToWire(),
            Filling = beat.Filling?.ToWire(),
            Owes = beat.Owes,
            KeyCount = (ulong)beat.LiveKeys,
            SentUnixMs = beat.SentUnixMs,
            Ready = beat.Ready,
            Complete = beat.Complete,
            Replica = beat.Replica.ToWire(),
            RequestsPerSecond = beat.RequestsPerSecond,
            Departure = (W.Departure)beat.Departure,
        };
        if (beat.Place is { } place) wire.Place = place.Value;
        return wire;
    }

    /// <param name="wire">The beat, without what was said before.</param>
    /// <param name="sender">Who sent it.</param>
    /// <param name="vector">What the sender holds.</param>
    public static Heartbeat ToDomain(this W.Heartbeat wire, NodeIdentity sender, VersionVector vector) =>
        new(
            sender.Cluster,
            sender.Address,
            sender.Incarnation,
            new(wire.Epoch),
            wire.TopologyDigest,
            vector,
            wire.HasPlace ? new ReplicaGroup(wire.Place) : null,
            wire.Filling?.ToDomain(),
            wire.Owes,
            (long)wire.KeyCount,
            wire.SentUnixMs,
            wire.Ready,
            wire.Complete)
        {
            Replica = wire.Replica?.ToDomain() ?? ReplicaReport.None,
            RequestsPerSecond = wire.RequestsPerSecond,
            Departure = wire.Departure is W.Departure.Leaving or W.Departure.Gone ? (DepartureStage)wire.Departure : DepartureStage.Staying,
        };

    public static W.ReplicaReport ToWire(this ReplicaReport report) => new()
    {
        Followed = report.Followed.Value,
        LiveDigest = report.LiveDigest,
        Tombstones = (ulong)report.Tombstones,
        Clock = report.Clock.Packed,
        LogAfter = report.LogAfter,
    };

    private static ReplicaReport ToDomain(this W.ReplicaReport wire) => new(new(wire.Followed), wire.LiveDigest, (long)wire.Tombstones, new(wire.Clock), wire.LogAfter);

    public static W.Filling ToWire(this FillReport report) => new()
    {
        Target = report.Target.Value,
        Since = report.Since.Value,
        Complete = report.IsComplete,
        PartsDone = (uint)report.PartsDone,
        PartsTotal = (uint)report.PartsTotal,
        Records = (ulong)report.Records,
        Bytes = (ulong)report.Bytes,
    };

    private static FillReport ToDomain(this W.Filling wire) =>
        new(new(wire.Target), new(wire.Since), wire.Complete, (int)wire.PartsDone, (int)wire.PartsTotal, (long)wire.Records, (long)wire.Bytes);
}
