using Kv.Common.Causality;
using Kv.Common.Identity;

namespace Kv.Common.Replication;

/// <summary>
/// Puts records of one shard into causal order (Birman, Schiper, Stephenson, 1991, with explicit dependencies): a record is ready when every earlier
/// record of its origin and every own-shard dependency is covered. Records that come early wait here; repeated ones are dropped. Dependencies on
/// other shards do not hold a record back: readers carry them in their tokens.
/// </summary>
public sealed class CausalInbox(ShardId shard)
{
    // Per origin, by sequence. Only the head of each origin can be ready, so a pass looks at one record per origin.
    private readonly SortedDictionary<Incarnation, SortedDictionary<ulong, WriteRecord>> _waiting = [];

    public ShardId Shard => shard;

    /// <summary>How many records wait for something earlier.</summary>
    public int Count { get; private set; }

    /// <summary>Takes a record in; false when it is already covered or already waits.</summary>
    public bool Add(WriteRecord record, VersionVector applied)
    {
        if (applied.Covers(record.Dot)) return false;
        if (!_waiting.TryGetValue(record.Dot.Origin, out var queue)) _waiting[record.Dot.Origin] = queue = [];
        if (!queue.TryAdd(record.Dot.Sequence, record)) return false;
        Count++;
        return true;
    }

    /// <summary>Takes out one record that is ready on top of <paramref name="applied"/>, or null when none is.</summary>
    public WriteRecord? TakeReady(VersionVector applied)
    {
        if (Count == 0) return null;
        foreach (var (origin, queue) in _waiting)
        {
            var next = applied[origin] + 1;
            while (queue.Count > 0 && queue.First().Key < next) Remove(origin, queue, queue.First().Key);
            if (queue.Count == 0) return TakeReady(applied);
            if (!queue.TryGetValue(next, out var head) || !IsReady(head, applied)) continue;
            Remove(origin, queue, next);
            return head;
        }

        return null;
    }

    /// <summary>What the waiting records wait for: the least vector that, once covered, releases the head of every origin.</summary>
    public VersionVector Missing(VersionVector applied)
    {
        var needed = VersionVector.Empty;
        foreach (var (_, queue) in _waiting)
        {
            if (queue.Count == 0) continue;
            var head = queue.First().Value;
            if (head.Dot.Sequence > 1) needed = needed.With(head.Dot with { Sequence = head.Dot.Sequence - 1 });
            foreach (var dot in head.OpenedToken.Dependencies.Of(shard))
            {
                if (dot.Origin != head.Dot.Origin) needed = needed.With(dot);
            }
        }

        return needed.Without(applied);
    }

    /// <summary>True when <paramref name="record"/> may be applied on top of <paramref name="applied"/>.</summary>
    public bool IsReady(WriteRecord record, VersionVector applied)
    {
        if (applied[record.Dot.Origin] + 1 != record.Dot.Sequence) return false;
        foreach (var dot in record.OpenedToken.Dependencies.Of(shard))
        {
            // The origin's own entry names this very write; its predecessors are covered by the check above.
            if (dot.Origin != record.Dot.Origin && !applied.Covers(dot)) return false;
        }

        return true;
    }

    private void Remove(Incarnation origin, SortedDictionary<ulong, WriteRecord> queue, ulong sequence)
    {
        if (!queue.Remove(sequence)) return;
        Count--;
        if (queue.Count == 0) _waiting.Remove(origin);
    }
}
