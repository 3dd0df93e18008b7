namespace Kv.Simulation.Time;

/// <summary>
/// One operating system process: the context in which all of a node's continuations and timers run. Killed, nothing of it ever runs again; paused, as
/// by SIGSTOP, what becomes due waits and runs when it resumes; lagging, everything it does takes a while.
/// </summary>
internal sealed class SimProcess(int id, string name, Scheduler scheduler, Random random) : SynchronizationContext
{
    private readonly Queue<Scheduler.Work> _heldBack = new();

    public int Id { get; } = id;

    public string Name { get; } = name;

    public Scheduler Scheduler { get; } = scheduler;

    public bool IsDead { get; private set; }

    public bool IsPaused { get; private set; }

    /// <summary>How long, at most, each continuation is held up; zero for a process that has a core for itself.</summary>
    public TimeSpan Lag { get; set; }

    public override void Post(SendOrPostCallback d, object? state)
    {
        if (IsDead) return;
        if (Lag > TimeSpan.Zero) Scheduler.After(Lag * random.NextDouble(), this, d, state);
        else Scheduler.Ready(this, d, state);
    }

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException("Nothing in a simulation waits for another thread.");

    public override SynchronizationContext CreateCopy() => this;

    /// <summary>Runs <paramref name="work"/> in this process. A failure of it ends the simulation, so it handles what is expected.</summary>
    public void Start(Func<Task> work) => Post(static async state => await ((Func<Task>)state!)(), work);

    public void Kill()
    {
        IsDead = true;
        _heldBack.Clear();
    }

    public void Pause() => IsPaused = true;

    public void Resume()
    {
        IsPaused = false;
        while (_heldBack.TryDequeue(out var work)) Scheduler.Ready(this, work.Callback, work.State);
    }

    /// <summary>True when the work may run now; keeps it for later when the process is paused.</summary>
    internal bool Admits(Scheduler.Work work)
    {
        if (IsDead) return false;
        if (!IsPaused) return true;
        _heldBack.Enqueue(work);
        return false;
    }
}
