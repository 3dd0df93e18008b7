using System.Collections.Immutable;
using Kv.Common.Causality;
using Kv.Common.Replication;

namespace Kv.Node.Storage.InMemory;

/// <summary>One version of everything stored. Immutable, so that a snapshot, an unsynced write and a crash are each just a choice of version.</summary>
internal sealed record StoredState(
    ImmutableSortedSet<WriteRecord> Winners,
    ImmutableSortedDictionary<Dot, WriteRecord> Log,
    VersionVector Trimmed,
    ImmutableDictionary<string, byte[]> Meta,
    ReplicaCheckpoint Checkpoint)
{
    private static readonly IComparer<WriteRecord> ByKey = Comparer<WriteRecord>.Create(static (left, right) => left.Key.CompareTo(right.Key));

    public static readonly StoredState Empty = new(
        ImmutableSortedSet.Create(ByKey), ImmutableSortedDictionary<Dot, WriteRecord>.Empty, VersionVector.Empty, ImmutableDictionary<string, byte[]>.Empty, ReplicaCheckpoint.Empty);

    public StoredState With(StorageBatch batch)
    {
        var winners = Winners.ToBuilder();
        foreach (var winner in batch.Winners.Values)
        {
            // The set holds records but compares keys: the incumbent has to go first, or it stays.
            winners.Remove(winner);
            winners.Add(winner);
        }

        var log = Log.ToBuilder();
        foreach (var record in batch.Log) log[record.Dot] = record;
        return this with { Winners = winners.ToImmutable(), Log = log.ToImmutable(), Checkpoint = batch.Checkpoint };
    }

    public StoredState WithoutLog(VersionVector upTo)
    {
        var log = Log.ToBuilder();
        foreach (var dot in upTo.Without(Trimmed))
        {
            // No further than the log reaches: a trim may name more than was ever logged here.
            var last = Math.Min(dot.Sequence, Checkpoint.Vector[dot.Origin]);
            for (var sequence = Trimmed[dot.Origin] + 1; sequence <= last; sequence++) log.Remove(dot with { Sequence = sequence });
        }

        return this with { Log = log.ToImmutable(), Trimmed = Trimmed.Join(upTo) };
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
