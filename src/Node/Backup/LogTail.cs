using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Time;
using Kv.Node.Replica;

namespace Kv.Node.Backup;

/// <summary>Reads from the replica's log what lies between two vectors.</summary>
internal static class LogTail
{
    private const int SliceRecords = 1024;
    private const int SliceBytes = 4 << 20;

    /// <summary>
    /// What <paramref name="through"/> covers and <paramref name="after"/> does not, of each origin in its order. The replica holds all of it. Throws <see cref="BackupRefusedException"/> when the log
    /// does not reach back that far.
    /// </summary>
    public static IEnumerable<WriteRecord> Read(ReplicaState replica, VersionVector after, VersionVector through)
    {
        foreach (var dot in through)
        {
            for (var at = after[dot.Origin]; at < dot.Sequence;)
            {
                if (replica.ReadLog(dot.Origin, at, dot.Sequence, SliceRecords, SliceBytes) is not { } slice || at < replica.Snapshot.Current.LoggedAfter[dot.Origin]) throw Trimmed(dot.Origin);
                foreach (var record in slice.Records) yield return record;
                at = slice.Through;
            }
        }
    }

    /// <summary>The same, of each origin only up to the first that is later than <paramref name="stamp"/>, and what <paramref name="through"/> is then. An origin's stamps grow with its sequence.</summary>
    public static (IReadOnlyList<WriteRecord> Records, VersionVector Through) ReadUpTo(ReplicaState replica, VersionVector after, VersionVector through, HybridTimestamp stamp)
    {
        var (records, reached) = (new List<WriteRecord>(), after);
        foreach (var dot in through.Without(after))
        {
            var last = dot;
            foreach (var record in Read(replica, after, VersionVector.Of(dot)))
            {
                if (record.Stamp > stamp)
                {
                    last = dot with { Sequence = record.Dot.Sequence - 1 };
                    break;
                }

                records.Add(record);
            }

            reached = reached.Join(VersionVector.Of(last));
        }

        return (records, reached);
    }

    private static BackupRefusedException Trimmed(Origin origin) => new($"The log of {origin} does not reach back to the snapshot any more.");
}
