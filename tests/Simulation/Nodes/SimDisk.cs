using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Node.Storage.InMemory;

namespace Kv.Simulation.Nodes;

/// <summary>One machine's disk: what is on it, whose it is, and what is wrong with it.</summary>
internal sealed class SimDisk(Random random)
{
    public InMemoryDisk Medium { get; set; } = new();

    /// <summary>Made together with the data; none before the first process ran.</summary>
    public Incarnation Incarnation { get; set; }

    /// <summary>What the writer was told is durable here.</summary>
    public VersionVector Durable { get; set; } = VersionVector.Empty;

    /// <summary>What disks that were lost at this address had held.</summary>
    public VersionVector LostWithDisks { get; set; } = VersionVector.Empty;

    /// <summary>Nothing can be written.</summary>
    public bool IsFull { get; set; }

    /// <summary>The next so many steps fail.</summary>
    public int FailingSteps { get; set; }

    /// <summary>How long a sync takes at most, beyond what is usual.</summary>
    public TimeSpan Slowness { get; set; }

    /// <summary>Runs, once, when a write reaches the step; the write gets no further.</summary>
    public (DiskStep Step, Action Crash)? CrashPoint { get; set; }

    public long Steps { get; private set; }

    /// <summary>Lets the process at <paramref name="time"/> write.</summary>
    public void Mount(TimeProvider time) => Medium.OnStep = step => StepAsync(step, time);

    private async ValueTask StepAsync(DiskStep step, TimeProvider time)
    {
        Steps++;
        if (CrashPoint is { } point && point.Step == step)
        {
            CrashPoint = null;
            point.Crash();
            await Task.Delay(Timeout.InfiniteTimeSpan, time);
        }

        if (IsFull && step is DiskStep.Write) throw new IOException("No space left on device");
        if (FailingSteps > 0)
        {
            FailingSteps--;
            throw new IOException("Input/output error");
        }

        var delay = TimeSpan.Zero;
        if (step is DiskStep.Sync) delay = TimeSpan.FromMicroseconds(random.Next(50, 3000)) + (Slowness * random.NextDouble());
        else if (Slowness > TimeSpan.Zero) delay = Slowness * (random.NextDouble() * 0.2);
        if (delay > TimeSpan.Zero) await Task.Delay(delay, time);
    }
}
