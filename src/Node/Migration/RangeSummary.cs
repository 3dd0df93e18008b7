namespace Kv.Node.Migration;

/// <summary>What a receiver has in a range: how many records, tombstones included, and their digest.</summary>
internal readonly record struct RangeSummary(long Records, ulong Digest);

/// <summary>A range that differs, by its place in the request, and how many records the donor has there.</summary>
internal readonly record struct RangeDifference(int Index, long Records);

/// <summary>A record that the donor has: where, and what it comes to.</summary>
internal readonly record struct RangeEntry(ulong Position, ulong Digest);
