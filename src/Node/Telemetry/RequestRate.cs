namespace Kv.Node.Telemetry;

/// <summary>How many requests a second are answered here: over the last whole stretch of <see cref="Stretch"/>, so that whoever asks often and whoever asks seldom hear the same.</summary>
internal sealed class RequestRate(TimeProvider time)
{
    private static readonly TimeSpan Stretch = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private long _answered;
    private long _counted;
    private long _since = time.GetTimestamp();
    private double _perSecond;

    /// <summary>One more. Costs the request an increment.</summary>
    public void Answered() => Interlocked.Increment(ref _answered);

    /// <summary>Requests a second, as of a second ago at most; less recent only when nobody has asked for longer.</summary>
    public double PerSecond()
    {
        lock (_gate)
        {
            var elapsed = time.GetElapsedTime(_since);
            if (elapsed < Stretch) return _perSecond;
            var answered = Volatile.Read(ref _answered);
            _perSecond = (answered - _counted) / elapsed.TotalSeconds;
            (_counted, _since) = (answered, time.GetTimestamp());
            return _perSecond;
        }
    }
}
