using System.Collections.Immutable;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Time;
using Kv.Common.Topology;

namespace Kv.Node.Storage.InMemory;

/// <summary>One version of everything stored. Immutable, so that a snapshot, an unsynced write and a crash are each just a choice of version.</summary>
internal sealed record StoredState(
    ImmutableSortedSet<WriteRecord> Winners,
    ImmutableSortedSet<WriteRecord> Log,
    VersionVector Trimmed,
    ImmutableDictionary<string, byte[]> Meta,
    ImmutableSortedDictionary<int, ArcSummary> Arcs,
    ReplicaCheckpoint Checkpoint)
{
    private static readonly IComparer<WriteRecord> ByKey = Comparer<WriteRecord>.Create(static (left, right) => left.Key.CompareTo(right.Key));

    private static readonly IComparer<WriteRecord> ByDot = Comparer<WriteRecord>.Create(static (left, right) => left.Dot.CompareTo(right.Dot));

    public static readonly StoredState Empty = new(
        ImmutableSortedSet.Create(ByKey),
        ImmutableSortedSet.Create(ByDot),
        VersionVector.Empty,
        ImmutableDictionary<string, byte[]>.Empty,
        ImmutableSortedDictionary<int, ArcSummary>.Empty,
        ReplicaCheckpoint.Empty);

    public StoredState With(StorageBatch batch)
    {
        var kept = batch.Dropped.Count == 0 ? Winners : Winners.Except(Winners.Where(winner => batch.Dropped.Any(range => range.Contains(winner.Key.Position))));
        var winners = kept.ToBuilder();
        foreach (var key in batch.Forgotten) winners.Remove(new(key, default, true, HybridTimestamp.Zero, default, default));
        foreach (var winner in batch.Winners.Values)
        {
            // The set holds records but compares keys: the incumbent has to go first, or it stays.
            winners.Remove(winner);
            winners.Add(winner);
        }

        var log = Log.ToBuilder();
        foreach (var record in batch.Log) log.Add(record);
        return this with { Winners = winners.ToImmutable(), Log = log.ToImmutable(), Arcs = Arcs.SetItems(batch.Arcs), Checkpoint = batch.Checkpoint };
    }

    public StoredState WithoutLog(VersionVector upTo)
    {
        var log = Log.ToBuilder();
        foreach (var dot in upTo.Without(Trimmed))
        {
            for (var at = FirstAfter(dot with { Sequence = Trimmed[dot.Origin] }); at < Log.Count && dot.Origin == Log[at].Dot.Origin && Log[at].Dot.Sequence <= dot.Sequence; at++)
                log.Remove(Log[at]);
        }

        return this with { Log = log.ToImmutable(), Trimmed = Trimmed.Join(upTo) };
    }

    /// <summary>The index in <see cref="Log"/> of the first record after a dot.</summary>
    public int FirstAfter(Dot dot)
    {
        var found = Log.IndexOf(new WriteRecord(default, default, true, HybridTimestamp.Zero, dot, default));
        return found >= 0 ? found + 1 : ~found;
    }

    /// <summary>The index in <see cref="Winners"/> of the first record after a key.</summary>
    public int FirstAfterKey(Key key)
    {
        var found = Winners.IndexOf(new WriteRecord(key, default, true, HybridTimestamp.Zero, default, default));
        return found >= 0 ? found + 1 : ~found;
    }

    /// <summary>The winners of a ring range, in order.</summary>
    public IEnumerable<WriteRecord> Scan(RingRange range)
    {
        for (var at = FirstAt(range.First); at < Winners.Count && range.Contains(Winners[at].Key.Position); at++) yield return Winners[at];
    }

    /// <summary>The index in <see cref="Winners"/> of the first record at or after a ring position.</summary>
    public int FirstAt(ulong position)
    {
        var (low, high) = (0, Winners.Count);
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            if (Winners[middle].Key.Position < position) low = middle + 1;
            else high = middle;
        }

        return low;
    }
}
