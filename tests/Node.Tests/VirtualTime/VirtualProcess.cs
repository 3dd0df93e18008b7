namespace Kv.Node.Tests.VirtualTime;

/// <summary>
/// The continuations of one node. A paused process does not run, while time and the others go on, exactly as in a long collection or under SIGSTOP:
/// its timers expire, its connections stay open, and what arrives waits.
/// </summary>
internal sealed class VirtualProcess : SynchronizationContext
{
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private readonly Queue<(SendOrPostCallback Callback, object? State)> _ready = [];
    private volatile string? _trespass;

    public bool IsPaused { get; set; }

    public override void Post(SendOrPostCallback d, object? state)
    {
        if (Environment.CurrentManagedThreadId != _thread) _trespass = Environment.StackTrace;
        lock (_ready) _ready.Enqueue((d, state));
    }

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException("Nothing here waits for another thread.");

    public override SynchronizationContext CreateCopy() => this;

    /// <summary>Starts <paramref name="work"/> inside this process; it begins to run when time advances or settles.</summary>
    public Task<T> Start<T>(Func<Task<T>> work)
    {
        var completion = new TaskCompletionSource<T>();
        Post(async _ => await ForwardAsync(), null);
        return completion.Task;

        async Task ForwardAsync()
        {
            try
            {
                completion.SetResult(await work());
            }
            catch (OperationCanceledException cancelled)
            {
                completion.SetCanceled(cancelled.CancellationToken);
            }
            catch (Exception failure)
            {
                completion.SetException(failure);
            }
        }
    }

    /// <inheritdoc cref="Start{T}(Func{Task{T}})"/>
    public Task Start(Func<Task> work) => Start(async () =>
    {
        await work();
        return true;
    });

    /// <summary>Runs what is ready; false when there was nothing.</summary>
    public bool RunReady()
    {
        Assert.True(_trespass is null, $"Work left the test's thread: {_trespass}");
        var ran = false;
        var outer = Current;
        SetSynchronizationContext(this);
        try
        {
            while (!IsPaused && TryTake(out var next))
            {
                ran = true;
                next.Callback(next.State);
            }
        }
        finally
        {
            SetSynchronizationContext(outer);
        }

        return ran;
    }

    private bool TryTake(out (SendOrPostCallback Callback, object? State) next)
    {
        lock (_ready) return _ready.TryDequeue(out next);
    }
}
