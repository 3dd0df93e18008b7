using Kv.Common.Replication;

namespace Kv.Node.Storage;

/// <summary>
/// What a set of winners comes to. Sums, modulo 2^64 where they are digests: the same whatever the order, and kept up to date by adding what comes and taking away what it
/// replaces.
/// </summary>
/// <param name="LiveKeys">Those that are values.</param>
/// <param name="Tombstones">Those that are deletions.</param>
/// <param name="LiveDigest">Of the values alone: replicas that hold the same writes agree on it, whichever tombstones each has collected already.</param>
/// <param name="Digest">Of all of them, tombstones included.</param>
internal readonly record struct ArcSummary(long LiveKeys, long Tombstones, ulong LiveDigest, ulong Digest)
{
    public static ArcSummary Of(WriteRecord record)
    {
        var digest = RecordDigest.Of(record);
        return record.IsTombstone ? new(0, 1, 0, digest) : new(1, 0, digest, digest);
    }

    public static ArcSummary Of(IEnumerable<WriteRecord> records) => records.Aggregate(default(ArcSummary), (sum, record) => sum + Of(record));

    public static ArcSummary operator +(ArcSummary one, ArcSummary other) => unchecked(new(
        one.LiveKeys + other.LiveKeys, one.Tombstones + other.Tombstones, one.LiveDigest + other.LiveDigest, one.Digest + other.Digest));

    public static ArcSummary operator -(ArcSummary one, ArcSummary other) => unchecked(new(
        one.LiveKeys - other.LiveKeys, one.Tombstones - other.Tombstones, one.LiveDigest - other.LiveDigest, one.Digest - other.Digest));
}
