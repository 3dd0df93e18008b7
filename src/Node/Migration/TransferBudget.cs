using Kv.Node.Replica;

namespace Kv.Node.Migration;

/// <summary>
/// Bounds what transfers take of this node, as giver and as taker, so that clients keep their share: each piece is paid for before the next one. The price is in bytes, if
/// they are bounded, and, while clients are served, in time: work is followed by as much rest as <see cref="MigrationOptions.ShareUnderLoad"/> leaves.
/// Work grows longer where the machine is short of anything, so the rest does too.
/// </summary>
internal sealed class TransferBudget(TimeProvider time, ClientActivity clients, MigrationOptions options)
{
    // After a disk that stood still, say, not three times as long.
    private static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private long _bytesFreeAt = time.GetTimestamp();
    private long _timeFreeAt = time.GetTimestamp();

    /// <summary>Completes when so many bytes may leave. Pieces wait in turn; an idle second is not saved up.</summary>
    public Task SpendBytesAsync(int bytes, CancellationToken cancellation) => options.MaxBytesPerSecond == 0
        ? Task.CompletedTask
        : SpendAsync(ref _bytesFreeAt, isPaidLater: false, TimeSpan.FromSeconds((double)bytes / options.MaxBytesPerSecond), cancellation);

    /// <summary>Completes when work that took so long has been rested from; at once where no client is served.</summary>
    public Task RestAsync(TimeSpan worked, CancellationToken cancellation) => options.ShareUnderLoad >= 1 || !clients.IsServing
        ? Task.CompletedTask
        : SpendAsync(ref _timeFreeAt, isPaidLater: true, RestAfter(worked), cancellation);

    private TimeSpan RestAfter(TimeSpan worked)
    {
        var rest = worked * (1 / options.ShareUnderLoad - 1);
        return rest < LongestRest ? rest : LongestRest;
    }

    private Task SpendAsync(ref long freeAt, bool isPaidLater, TimeSpan price, CancellationToken cancellation)
    {
        TimeSpan wait;
        lock (_gate)
        {
            var now = time.GetTimestamp();
            var start = Math.Max(now, freeAt);
            freeAt = start + (long)(price.TotalSeconds * time.TimestampFrequency);
            wait = time.GetElapsedTime(now, isPaidLater ? freeAt : start);
        }

        return wait > TimeSpan.Zero ? Task.Delay(wait, time, cancellation) : Task.CompletedTask;
    }
}
