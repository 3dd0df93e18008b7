namespace Kv.Common.Time;

/// <summary>
/// The clock of one replica, advanced only by its owner. Readings strictly increase, also across restarts when it is started from the persisted
/// <see cref="Last"/>, and stay within <see cref="MaxAhead"/> of the local clock whatever others send.
/// </summary>
public sealed class HybridLogicalClock(HybridTimestamp highWater)
{
    /// <summary>How far ahead of the local clock a foreign stamp may be and still be merged.</summary>
    public static readonly TimeSpan MaxAhead = TimeSpan.FromMilliseconds(500);

    /// <summary>The greatest reading given or merged so far: the high-water mark to persist.</summary>
    public HybridTimestamp Last { get; private set; } = highWater;

    /// <summary>True when <paramref name="stamp"/> is too far ahead of <paramref name="nowMs"/> to be merged.</summary>
    public static bool IsTooFarAhead(HybridTimestamp stamp, long nowMs) => stamp.Milliseconds - nowMs > (long)MaxAhead.TotalMilliseconds;

    /// <summary>The next reading: greater than every earlier one and than <paramref name="floor"/>, which must not be too far ahead.</summary>
    public HybridTimestamp Next(long nowMs, HybridTimestamp floor)
    {
        var known = HybridTimestamp.Max(Last, floor);
        var physical = HybridTimestamp.At(nowMs);
        Last = physical > known ? physical : known.Successor;
        return Last;
    }

    /// <summary>Merges a foreign stamp; false (and no change) when it is too far ahead.</summary>
    public bool TryMerge(HybridTimestamp stamp, long nowMs)
    {
        if (stamp <= Last) return true;
        if (IsTooFarAhead(stamp, nowMs)) return false;
        Last = stamp;
        return true;
    }
}
