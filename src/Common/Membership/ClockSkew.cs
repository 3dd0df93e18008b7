namespace Kv.Common.Membership;

/// <summary>
/// Estimates how far a peer's wall clock is ahead of ours from the stamps of its beats. A beat's delay makes the peer look behind, never ahead, so the
/// greatest of the last few differences is the least wrong one. For a metric and a warning; liveness is never judged by it.
/// </summary>
public sealed class ClockSkew
{
    // A year: whatever a peer sends, the estimate is a TimeSpan.
    private const long MostMilliseconds = 365L * 24 * 60 * 60 * 1000;

    private readonly long[] _differences = new long[8];
    private int _count;

    /// <summary>Positive when the peer is ahead; zero before the first beat.</summary>
    public TimeSpan Estimate => TimeSpan.FromMilliseconds(_count == 0 ? 0 : _differences.Take(_count).Max());

    /// <summary>A beat that was sent at <paramref name="sentUnixMs"/> by the peer's clock arrived at <paramref name="nowUnixMs"/> by ours.</summary>
    public void Heard(long sentUnixMs, long nowUnixMs)
    {
        _differences[_count % _differences.Length] = (long)Int128.Clamp((Int128)sentUnixMs - nowUnixMs, -MostMilliseconds, MostMilliseconds);
        // Counts on from the length, not from zero, so that a full ring stays full.
        _count = _count + 1 < 2 * _differences.Length ? _count + 1 : _differences.Length;
    }
}
