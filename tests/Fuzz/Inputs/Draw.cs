namespace Kv.Fuzz.Inputs;

/// <summary>What generators draw, over and over.</summary>
internal static class Draw
{
    private static readonly ulong[] Edges =
    [
        0, 1, 2, 7, 127, 128, 255, 256, 4095, 4096, 32767, 65535, 65536, int.MaxValue, 1UL << 31, uint.MaxValue, 1UL << 32, (1UL << 48) - 1, long.MaxValue, 1UL << 63, ulong.MaxValue - 1, ulong.MaxValue,
    ];

    /// <summary>True once in <paramref name="n"/> times.</summary>
    public static bool OneIn(this Random random, int n) => random.Next(n) == 0;

    public static T Of<T>(this Random random, params ReadOnlySpan<T> choices) => choices[random.Next(choices.Length)];

    public static byte[] Bytes(this Random random, int atMost)
    {
        var bytes = new byte[random.Next(atMost + 1)];
        random.NextBytes(bytes);
        return bytes;
    }

    /// <summary>A number at the edge of some width, one beside it, or any.</summary>
    public static ulong Number(this Random random) => random.Next(4) switch
    {
        0 => (ulong)random.NextInt64(long.MinValue, long.MaxValue),
        1 => (ulong)random.Next(100),
        2 => unchecked(random.Of(Edges) + (ulong)random.Next(-2, 3)),
        _ => random.Of(Edges),
    };

    /// <summary>A length: mostly small, now and then large.</summary>
    public static int Length(this Random random, int atMost) => random.OneIn(20) ? random.Next(atMost + 1) : random.Next(Math.Min(atMost, 8) + 1);
}
