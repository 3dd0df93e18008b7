using System.Globalization;

namespace Kv.Common.Topology;

/// <summary>
/// A non-empty piece of the 64-bit ring, both ends included. A range never wraps from the greatest position to zero: a piece of the ring that does is
/// two ranges. So a range is one contiguous scan of a store that keeps its keys by position.
/// </summary>
public readonly record struct RingRange
{
    public static readonly RingRange Whole = new(0, ulong.MaxValue);

    private RingRange(ulong first, ulong last)
    {
        First = first;
        Last = last;
    }

    /// <summary>The least position included.</summary>
    public ulong First { get; }

    /// <summary>The greatest position included; never less than <see cref="First"/>.</summary>
    public ulong Last { get; }

    public bool IsWhole => First == 0 && Last == ulong.MaxValue;

    /// <summary>The positions from <paramref name="first"/> to <paramref name="last"/>, both included; throws when they are the wrong way round.</summary>
    public static RingRange Between(ulong first, ulong last) =>
        first <= last ? new(first, last) : throw new ArgumentException("A range does not wrap around the ring; describe it as two.", nameof(last));

    public bool Contains(ulong position) => First <= position && position <= Last;

    /// <summary>
    /// The one range that holds exactly the positions of both, when there is one: they overlap, or <paramref name="other"/> begins where this ends or
    /// ends where this begins.
    /// </summary>
    public bool TryMerge(RingRange other, out RingRange merged)
    {
        var (low, high) = First <= other.First ? (this, other) : (other, this);
        // low.Last + 1 would wrap when low reaches the end of the ring; then high begins inside it.
        var touches = high.First <= low.Last || high.First - 1 == low.Last;
        merged = touches ? new(low.First, Math.Max(low.Last, high.Last)) : default;
        return touches;
    }

    /// <summary>Both ends in hexadecimal, as in <c>[0000000000000000, 000fffffffffffff]</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"[{First:x16}, {Last:x16}]");
}
