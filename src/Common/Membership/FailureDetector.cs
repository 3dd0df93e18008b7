namespace Kv.Common.Membership;

/// <summary>
/// Judges one peer's silence: φ accrual (<see cref="Phi"/>) over the last intervals between its beats, bounded both ways by its settings. The time is
/// monotonic, from any fixed origin. What passed while this process itself stood still is not the peer's silence (<see cref="ObserverPaused"/>):
/// without that, a collection or a suspended virtual machine accuses everyone else, as Orleans found out.
/// </summary>
public sealed class FailureDetector
{
    // No longer interval is learnt: it has no place in a mean of half-seconds, and it keeps the sum of squares far from overflow.
    private const long LongestSampleMicroseconds = 30_000_000;

    private readonly FailureDetectorSettings _settings;

    // Sums over integers are exact: a window that forgets as much as it learns must not drift.
    private readonly int[] _samples;
    private int _count;
    private int _next;
    private long _sum;
    private long _sumOfSquares;
    private TimeSpan _excused;

    /// <summary>Begins with a beat at <paramref name="firstHeard"/>.</summary>
    public FailureDetector(FailureDetectorSettings settings, TimeSpan firstHeard)
    {
        _settings = settings;
        _samples = new int[settings.Window];
        LastHeard = firstHeard;
    }

    public TimeSpan LastHeard { get; private set; }

    /// <summary>A beat arrived. A time before the last one counts as that one.</summary>
    public void Heard(TimeSpan now)
    {
        Learn((long)Silence(now).TotalMicroseconds);
        LastHeard = now > LastHeard ? now : LastHeard;
        _excused = TimeSpan.Zero;
    }

    /// <summary>
    /// This process stood still for <paramref name="pause"/>, all of it after the last beat: a caller reports a pause before it hands over the beats
    /// that arrived meanwhile.
    /// </summary>
    public void ObserverPaused(TimeSpan pause)
    {
        if (pause > TimeSpan.Zero) _excused += pause;
    }

    /// <summary>How long the peer has been silent while this process was able to hear it.</summary>
    public TimeSpan Silence(TimeSpan now)
    {
        var silence = now - LastHeard - _excused;
        return silence > TimeSpan.Zero ? silence : TimeSpan.Zero;
    }

    /// <summary>φ: 1 means that one silence in ten gets this long, 8 one in a hundred million.</summary>
    public double Suspicion(TimeSpan now)
    {
        var (mean, deviation) = Estimate();
        return Phi.Of(Silence(now), mean, deviation);
    }

    /// <summary>True when the suspicion has reached the threshold.</summary>
    public bool IsSuspect(TimeSpan now) => Suspicion(now) >= _settings.Threshold;

    private void Learn(long microseconds)
    {
        var sample = (int)Math.Min(microseconds, LongestSampleMicroseconds);
        if (_count == _samples.Length)
        {
            long forgotten = _samples[_next];
            _sum -= forgotten;
            _sumOfSquares -= forgotten * forgotten;
        }
        else
        {
            _count++;
        }

        _samples[_next] = sample;
        _next = (_next + 1) % _samples.Length;
        _sum += sample;
        _sumOfSquares += (long)sample * sample;
    }

    private (TimeSpan Mean, TimeSpan Deviation) Estimate()
    {
        if (_count == 0) return (_settings.ExpectedInterval, _settings.DeviationFloor);
        var mean = (double)_sum / _count;
        var variance = Math.Max(0, ((double)_sumOfSquares / _count) - (mean * mean));
        return (
            Between(_settings.ExpectedInterval, TimeSpan.FromMicroseconds(mean), _settings.LongestMean),
            Between(_settings.DeviationFloor, TimeSpan.FromMicroseconds(Math.Sqrt(variance)), _settings.DeviationCeiling));
    }

    private static TimeSpan Between(TimeSpan least, TimeSpan value, TimeSpan most) => value < least ? least : value > most ? most : value;
}
