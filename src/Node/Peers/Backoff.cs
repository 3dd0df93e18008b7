namespace Kv.Node.Peers;

/// <summary>Pauses between attempts: drawn at random below a bound that doubles from one attempt to the next ("full jitter", Brooker 2015).</summary>
internal sealed class Backoff(TimeSpan min, TimeSpan max, TimeProvider time, Random random)
{
    private int _failures;

    public void Reset() => _failures = 0;

    public async Task PauseAsync(CancellationToken cancellation)
    {
        var bound = min * Math.Pow(2, _failures);
        if (bound < max) _failures++;
        else bound = max;
        var pause = min + ((bound - min) * random.NextDouble());
        await Task.Delay(pause, time, cancellation);
    }
}
