namespace Kv.Simulation.Time;

/// <summary>
/// Virtual time. Everything that happens in a simulation is either ready now or waits in a heap ordered by (time, sequence), and runs on the one thread
/// that made the scheduler. Which of several ready pieces of work runs next is first come first served, or drawn at random when
/// <paramref name="interleaving"/> is given: on a thread pool there is no order among them either.
/// </summary>
internal sealed class Scheduler(Random? interleaving)
{
    private readonly PriorityQueue<Work, (long At, long Sequence)> _later = new();
    private readonly Queue<Work> _ready = new();
    private readonly List<Work> _readyAnyOrder = [];
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private long _sequence;
    private string? _trespass;

    /// <summary>Virtual time since the simulation began, in ticks of <see cref="TimeSpan"/>.</summary>
    public long Now { get; private set; }

    /// <summary>How many pieces of work have run.</summary>
    public long Executed { get; private set; }

    /// <summary>A digest of what ran when; equal for equal runs.</summary>
    public TraceHash Trace { get; } = new();

    /// <summary>Runs <paramref name="action"/>, outside any process, when <paramref name="delay"/> has passed.</summary>
    public void After(TimeSpan delay, Action action) => Enqueue(delay, new(null, static state => ((Action)state!)(), action));

    /// <summary>Runs work in <paramref name="process"/> when <paramref name="delay"/> has passed.</summary>
    public void After(TimeSpan delay, SimProcess process, SendOrPostCallback callback, object? state) => Enqueue(delay, new(process, callback, state));

    /// <summary>Makes work ready. From another thread it is a failure of the simulation: a continuation has escaped.</summary>
    public void Ready(SimProcess process, SendOrPostCallback callback, object? state)
    {
        if (Environment.CurrentManagedThreadId != _thread)
        {
            // The exception's own trace ends where the task catches it, before whoever completed that.
            var trespass = Environment.StackTrace;
            Volatile.Write(ref _trespass, trespass);
            throw new EscapedContinuationException($"Work of {process.Name} left the simulation's thread: {trespass}");
        }

        AddReady(new(process, callback, state));
    }

    /// <summary>Runs everything that happens until <paramref name="time"/>, or until <paramref name="stop"/> says so, which is asked now and then.</summary>
    public void RunUntil(long time, Func<bool>? stop = null)
    {
        var turns = 0;
        while (true)
        {
            while (TryTakeReady(out var work))
            {
                Execute(work);
                if (stop is not null && (++turns & 63) == 0 && stop()) return;
            }

            if (stop is not null && stop()) return;
            if (!_later.TryPeek(out _, out var next) || next.At > time) break;
            Now = next.At;
            AddReady(_later.Dequeue());
        }

        Now = Math.Max(Now, time);
    }

    private void Execute(Work work)
    {
        if (Volatile.Read(ref _trespass) is { } trespass) throw new EscapedContinuationException($"Work left the simulation's thread: {trespass}");
        var process = work.Process;
        if (process is not null && !process.Admits(work)) return;
        Executed++;
        Trace.Add((ulong)Now, (ulong)(process?.Id ?? 0));
        SynchronizationContext.SetSynchronizationContext(process);
        try
        {
            work.Callback(work.State);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(null);
        }
    }

    private void Enqueue(TimeSpan delay, Work work) => _later.Enqueue(work, (Now + Math.Max(0, delay.Ticks), _sequence++));

    private void AddReady(Work work)
    {
        if (interleaving is null) _ready.Enqueue(work);
        else _readyAnyOrder.Add(work);
    }

    private bool TryTakeReady(out Work work)
    {
        if (interleaving is null) return _ready.TryDequeue(out work);
        work = default;
        var count = _readyAnyOrder.Count;
        if (count == 0) return false;
        var chosen = count == 1 ? 0 : interleaving.Next(count);
        work = _readyAnyOrder[chosen];
        _readyAnyOrder[chosen] = _readyAnyOrder[count - 1];
        _readyAnyOrder.RemoveAt(count - 1);
        return true;
    }

    /// <summary>A callback, and the process that it runs in; none for the simulation's own.</summary>
    internal readonly record struct Work(SimProcess? Process, SendOrPostCallback Callback, object? State);
}
