namespace Kv.Node.Peers;

/// <summary>Pauses between attempts: drawn at random below a bound that doubles from one attempt to the next ("full jitter", Brooker 2015).</summary>
internal sealed class Backoff(TimeSpan min, TimeSpan max, TimeProvider time, Random random)
{
    private TimeSpan _bound = min;

    public void Reset() => _bound = min;

    public async Task PauseAsync(CancellationToken cancellation)
    {
        var pause = min + ((_bound - min) * random.NextDouble());
        _bound = _bound * 2 < max ? _bound * 2 : max;
        await Task.Delay(pause, time, cancellation);
    }
}
