using System.IO.Hashing;

namespace Kv.Common.Topology;

/// <summary>The function from a key to its place on the ring: XXH3-64 of the key's bytes under a fixed seed. Part of the data format.</summary>
public static class KeyHash
{
    private const long Seed = 0;

    public static ulong PositionOf(ReadOnlySpan<byte> key) => XxHash3.HashToUInt64(key, Seed);
}
