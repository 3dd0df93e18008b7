namespace Kv.Faults.Testbeds;

/// <summary>Ends what was begun, once.</summary>
internal sealed class Undo(Func<Task> end) : IAsyncDisposable
{
    private Func<Task>? _end = end;

    public Undo(Action end)
        : this(() =>
        {
            end();
            return Task.CompletedTask;
        })
    {
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _end, null) is { } action) await action();
    }
}
