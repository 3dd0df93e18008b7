using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Time;
using Kv.Common.Topology;
using Kv.Node.Storage;

namespace Kv.Node.Replica;

/// <summary>
/// One group commit in the making: applies local writes and delivered records on top of the last committed state, in memory, and yields the batch
/// that makes them durable. A calculation: what it reads besides its arguments is committed data.
/// </summary>
internal sealed class ReplicaStep(
    NodeIdentity self,
    ClusterTopology topology,
    ReplicaCheckpoint start,
    HybridLogicalClock clock,
    CausalInbox? inbox,
    CausalTokenCodec tokens,
    Func<Key, WriteRecord?> read,
    long nowMs)
{
    private readonly List<WriteRecord> _log = [];
    private readonly Dictionary<Key, WriteRecord> _winners = [];
    private VersionVector _vector = start.Vector;
    private ulong _ownSequence = start.Vector[self.Incarnation];
    private long _liveKeys = start.LiveKeys;

    /// <summary>The greatest delivered stamp that the clock refused to merge; zero if none.</summary>
    public HybridTimestamp UnmergedStamp { get; private set; }

    public bool IsEmpty => _log.Count == 0;

    public int Count => _log.Count;

    /// <summary>Stamps, numbers and applies a local write.</summary>
    public CommitResult Apply(LocalWrite write)
    {
        // The request was routed by an earlier look at the topology; the owner's own look, in order with all other changes, is the one that counts.
        var shard = topology.ShardOf(write.Key);
        if (!shard.Includes(self.Address) || !topology.IsMember(self)) return new CommitResult.NotOwner(topology.Epoch);
        var incumbent = Winner(write.Key);
        var replaced = incumbent is { IsTombstone: false };
        if (write.IsDeletion && !replaced) return new CommitResult.NothingToDelete(incumbent);

        var floor = HybridTimestamp.Max(write.Past.Stamp, incumbent?.Stamp ?? HybridTimestamp.Zero);
        // What the clock has reached already cannot push it, even if the wall clock was set back since.
        if (floor > clock.Last && HybridLogicalClock.IsTooFarAhead(floor, nowMs)) return new CommitResult.ClockSkew(floor.Milliseconds - nowMs);

        var stamp = clock.Next(nowMs, floor);
        var dot = new Dot(self.Incarnation, ++_ownSequence);
        // Whoever pruned the past may have known a newer topology already.
        var epoch = topology.Epoch > write.Past.Epoch ? topology.Epoch : write.Past.Epoch;
        var token = new CausalToken(epoch, stamp, write.Past.Dependencies.With(shard.Id, dot));
        var record = new WriteRecord(write.Key, write.Value, write.IsDeletion, stamp, dot, tokens.Seal(token));
        _log.Add(record);
        Merge(record, incumbent);
        return new CommitResult.Committed(record, replaced);
    }

    /// <summary>Takes in a record from a peer and applies whatever has become ready. Repetition is harmless.</summary>
    public void Deliver(WriteRecord record)
    {
        var applied = Vector;
        // Sent while this node still had a shard.
        if (inbox is null || applied.Covers(record.Dot)) return;
        if (record.Dot.Origin == self.Incarnation)
            throw new StorageFailedException($"A peer sends this incarnation's own write {record.Dot}, which the data directory lacks: it is an older copy.");
        if (inbox.IsReady(record, applied)) ApplyDelivered(record);
        else inbox.Add(record, applied);

        while (inbox.TakeReady(Vector) is { } ready) ApplyDelivered(ready);
    }

    public StorageBatch ToBatch() => new(_log, _winners, new(Vector, clock.Last, _liveKeys));

    // The own entry is folded in only when somebody looks: a vector per local write would be garbage.
    private VersionVector Vector => _vector = _vector.With(new(self.Incarnation, _ownSequence));

    private void ApplyDelivered(WriteRecord record)
    {
        if (!clock.TryMerge(record.Stamp, nowMs)) UnmergedStamp = HybridTimestamp.Max(UnmergedStamp, record.Stamp);
        _vector = _vector.With(record.Dot);
        _log.Add(record);
        Merge(record, Winner(record.Key));
    }

    private void Merge(WriteRecord record, WriteRecord? incumbent)
    {
        if (!WinnerRule.Wins(record, incumbent)) return;
        _winners[record.Key] = record;
        _liveKeys += (record.IsTombstone ? 0 : 1) - (incumbent is { IsTombstone: false } ? 1 : 0);
    }

    private WriteRecord? Winner(Key key) => _winners.TryGetValue(key, out var pending) ? pending : read(key);
}
