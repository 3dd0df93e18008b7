namespace Kv.Node.Storage.RocksDb;

/// <summary>
/// Keeps something native from being closed while it is in use: a call into a closed database is not an exception but the end of the process.
/// </summary>
internal sealed class UseGate
{
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // The open gate itself counts as one use, so that zero comes once, and after closing.
    private int _uses = 1;
    private int _closed;

    /// <summary>Begins a use, which ends when the result is disposed. Throws <see cref="ObjectDisposedException"/> once the gate is closed.</summary>
    public Use Enter()
    {
        // Counted first, asked afterwards: closing does these in the opposite order, so one of the two sees the other.
        Interlocked.Increment(ref _uses);
        if (Volatile.Read(ref _closed) == 0) return new(this);
        Leave();
        throw new ObjectDisposedException(nameof(RocksDbStorage));
    }

    /// <summary>Admits no further use; completes when the last one has ended. False when it was closed before.</summary>
    public async ValueTask<bool> CloseAsync()
    {
        var first = Interlocked.Exchange(ref _closed, 1) == 0;
        if (first) Leave();
        await _idle.Task;
        return first;
    }

    private void Leave()
    {
        if (Interlocked.Decrement(ref _uses) == 0) _idle.TrySetResult();
    }

    /// <summary>One use of what is behind the gate.</summary>
    internal readonly struct Use(UseGate gate) : IDisposable
    {
        public void Dispose() => gate.Leave();
    }
}
