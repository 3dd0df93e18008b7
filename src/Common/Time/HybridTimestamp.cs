using System.Globalization;

namespace Kv.Common.Time;

/// <summary>
/// A hybrid logical clock reading packed into 64 bits: 48 bits of Unix milliseconds, 16 bits of counter (Kulkarni et al., "Logical Physical
/// Clocks", 2014). Adding one to the packed value is the next reading; a counter that overflows carries into the milliseconds.
/// </summary>
public readonly record struct HybridTimestamp(ulong Packed) : IComparable<HybridTimestamp>
{
    public static readonly HybridTimestamp Zero;

    /// <summary>Unix milliseconds.</summary>
    public long Milliseconds => (long)(Packed >> 16);

    public ushort Counter => (ushort)Packed;

    public HybridTimestamp Successor => new(Packed + 1);

    /// <summary>The first reading of a millisecond; <paramref name="unixMilliseconds"/> before 1970 counts as zero.</summary>
    public static HybridTimestamp At(long unixMilliseconds) => new((ulong)Math.Clamp(unixMilliseconds, 0, (1L << 48) - 1) << 16);

    public static HybridTimestamp Max(HybridTimestamp left, HybridTimestamp right) => left.Packed >= right.Packed ? left : right;

    public int CompareTo(HybridTimestamp other) => Packed.CompareTo(other.Packed);

    public static bool operator <(HybridTimestamp left, HybridTimestamp right) => left.Packed < right.Packed;
    public static bool operator >(HybridTimestamp left, HybridTimestamp right) => left.Packed > right.Packed;
    public static bool operator <=(HybridTimestamp left, HybridTimestamp right) => left.Packed <= right.Packed;
    public static bool operator >=(HybridTimestamp left, HybridTimestamp right) => left.Packed >= right.Packed;

    /// <summary>Milliseconds and counter, as in <c>1767225600000.3</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Milliseconds}.{Counter}");
}
