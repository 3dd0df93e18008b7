namespace Kv.Node.Signals;

/// <summary>
/// State with one owner and any number of readers: <see cref="Current"/> is always a whole, immutable version, and anyone can wait for a later one
/// with some property. Publishing evaluates the waiters' conditions, so a waiter wakes once, when its condition holds.
/// </summary>
internal sealed class Published<T>(T initial)
    where T : class
{
    private readonly Lock _gate = new();
    private readonly List<(Func<T, bool> Condition, TaskCompletionSource<T> Completion)> _waiters = [];
    private volatile T _current = initial;

    public T Current => _current;

    /// <summary>Makes <paramref name="next"/> current and wakes those who waited for it. Called by the owner only.</summary>
    public void Publish(T next)
    {
        _current = next;
        lock (_gate)
        {
            for (var i = _waiters.Count - 1; i >= 0; i--)
            {
                if (!_waiters[i].Condition(next)) continue;
                _waiters[i].Completion.TrySetResult(next);
                _waiters.RemoveAt(i);
            }
        }
    }

    /// <summary>The first version, current or later, for which <paramref name="condition"/> holds. The condition must be cheap and must not block.</summary>
    public async ValueTask<T> WaitAsync(Func<T, bool> condition, CancellationToken cancellation)
    {
        if (condition(_current)) return _current;
        var completion = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var waiter = (condition, completion);
        lock (_gate)
        {
            if (condition(_current)) return _current;
            _waiters.Add(waiter);
        }

        await using var registration = cancellation.Register(() =>
        {
            lock (_gate) _waiters.Remove(waiter);
            completion.TrySetCanceled(cancellation);
        });
        return await completion.Task;
    }
}
