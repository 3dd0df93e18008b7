namespace Kv.Node.Migration;

/// <summary>Bounds what a node sends to those it fills, so that clients keep their share: each piece is paid for before it leaves.</summary>
internal sealed class TransferBudget(TimeProvider time, MigrationOptions options)
{
    private readonly Lock _gate = new();
    private long _freeAt = time.GetTimestamp();

    /// <summary>Completes when so many bytes may leave. Pieces wait in turn; an idle second is not saved up.</summary>
    public async Task SpendAsync(int bytes, CancellationToken cancellation)
    {
        if (options.MaxBytesPerSecond == 0) return;
        TimeSpan wait;
        lock (_gate)
        {
            var now = time.GetTimestamp();
            var start = Math.Max(now, _freeAt);
            _freeAt = start + (long)((double)bytes / options.MaxBytesPerSecond * time.TimestampFrequency);
            wait = time.GetElapsedTime(now, start);
        }

        if (wait > TimeSpan.Zero) await Task.Delay(wait, time, cancellation);
    }
}
