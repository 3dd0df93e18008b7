using System.Collections.Immutable;
using Kv.Common.Backup;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Time;
using Kv.Common.Topology;
using Kv.Node.Storage;

namespace Kv.Node.Backup;

/// <summary>
/// One shard's part of a backup, at the replica that gives it: a snapshot, and over it what was written a moment later and belongs to the same cut. A calculation over what the two hold.
/// </summary>
internal sealed class BackupPartSource(ReplicaGroup group, HashRing ring, IStorageSnapshot snapshot)
{
    // Few: what was written in the moments between the first snapshot and the last.
    private readonly SortedDictionary<Key, WriteRecord> _later = [];

    /// <summary>The writes that the part has, or later ones of the same keys.</summary>
    public VersionVector Vector { get; private set; } = snapshot.Checkpoint.Vector;

    /// <summary>About how many keys it has.</summary>
    public long LiveKeys => snapshot.Checkpoint.LiveKeys;

    /// <summary>Adds <paramref name="records"/>: all, of the group's keys, that <paramref name="through"/> covers and <see cref="Vector"/> does not.</summary>
    public VersionVector Include(IEnumerable<WriteRecord> records, VersionVector through)
    {
        var dependencies = VersionVector.Empty;
        foreach (var record in records)
        {
            // The log may have what belonged to this node in an earlier layout.
            if (ring.OwnerOf(record.Key.Position) != group.Shard) continue;
            dependencies = dependencies.Join(record.OpenedToken.Dependencies);
            if (WinnerRule.Wins(record, _later.GetValueOrDefault(record.Key))) _later[record.Key] = record;
        }

        Vector = Vector.Join(through);
        return dependencies;
    }

    /// <summary>
    /// The winner of every key, deletions included, in ring order. Throws <see cref="BackupRefusedException"/> at the first that depends on what <paramref name="parts"/> do not hold: then no live replica has it, or it was
    /// not looked for; and at the first that is later than <paramref name="latest"/>, up to which everything was looked for.
    /// </summary>
    public IEnumerable<WriteRecord> Scan(ClusterTopology topology, ImmutableArray<BackupPart> parts, HybridTimestamp latest)
    {
        foreach (var record in Merge())
        {
            if (record.Stamp > latest) throw new BackupRefusedException($"Write {record.Dot} is later than the clocks of those who give the parts: it has a stamp from the future.");
            if (CutClosure.Missing(topology, parts, record.OpenedToken.Dependencies) is { IsEmpty: false } missing)
                throw new BackupRefusedException($"Write {record.Dot} depends on {missing}, which no replica has that can be reached.");
            yield return record;
        }
    }

    private IEnumerable<WriteRecord> Merge()
    {
        using var later = _later.Values.GetEnumerator();
        var hasLater = later.MoveNext();
        foreach (var record in ring.RangesOf(group.Shard).SelectMany(snapshot.Scan))
        {
            for (; hasLater && later.Current.Key.CompareTo(record.Key) < 0; hasLater = later.MoveNext()) yield return later.Current;
            if (!hasLater || later.Current.Key != record.Key)
            {
                yield return record;
                continue;
            }

            yield return WinnerRule.Wins(later.Current, record) ? later.Current : record;
            hasLater = later.MoveNext();
        }

        for (; hasLater; hasLater = later.MoveNext()) yield return later.Current;
    }
}
