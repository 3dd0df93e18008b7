using System.Runtime.CompilerServices;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Topology;
using Kv.Node.Storage;
using Kv.Node.Storage.InMemory;

namespace Kv.Simulation.Nodes;

/// <summary>One machine's disk: what is on it, whose it is, and what is wrong with it.</summary>
internal sealed class SimDisk(Random random)
{
    private StorageRoom _room = StorageRoom.Ample;

    public InMemoryDisk Medium { get; set; } = new();

    /// <summary>Made together with the data; none before the first process ran.</summary>
    public Incarnation Incarnation { get; set; }

    /// <summary>What the writer was told is durable here.</summary>
    public ReplicaCheckpoint Durable { get; set; } = ReplicaCheckpoint.Empty;

    /// <summary>Disks that were lost at this address.</summary>
    public IReadOnlyList<InMemoryDisk> Lost { get; init; } = [];

    /// <summary>Nothing can be written, although the disk said before that there is room: another program has filled it.</summary>
    public bool IsFull { get; set; }

    /// <summary>How much room the disk says that there is.</summary>
    public StorageRoom Room
    {
        get => _room;
        set => Medium.Room = _room = value;
    }

    /// <summary>The next so many steps fail.</summary>
    public int FailingSteps { get; set; }

    /// <summary>How long a sync takes at most, beyond what is usual.</summary>
    public TimeSpan Slowness { get; set; }

    /// <summary>Runs, once, when a write reaches the step; the write gets no further.</summary>
    public (DiskStep Step, Action Crash)? CrashPoint { get; set; }

    public long Steps { get; private set; }

    /// <summary>True when the write is on this disk: as the winner of its key, outdone by another one, or in the log.</summary>
    public bool Has(WriteRecord record) => Has(Medium, record);

    /// <summary>The same, or it was on one that was lost here.</summary>
    public bool Had(WriteRecord record) => Has(record) || Lost.Any(lost => Has(lost, record));

    /// <summary>
    /// A deletion that was here, and went from data and log because everybody held it: that may be before its own coordinator has heard so from all (seed 289). Whether it was right to
    /// let it go is judged elsewhere.
    /// </summary>
    public bool HasForgotten(WriteRecord record) => record.IsTombstone && Durable.Vector.Covers(record.Dot) && Durable.LoggedAfter.Covers(record.Dot);

    /// <summary>
    /// True when the replica on this disk answers for the write: it is in the ranges of its place, or of a group that ended and whose log is kept for others. What it is
    /// being filled with may be given up again.
    /// </summary>
    public bool AnswersFor(WriteRecord record, ClusterTopology topology) =>
        (Durable.Place is { } place && Owns(topology, place, record) && Durable.Vector.Covers(record.Dot))
        || Durable.Former.Any(former => former.Group == record.Dot.Origin.Group && former.Vector.Covers(record.Dot));

    /// <summary>Lets the process at <paramref name="time"/> write.</summary>
    public void Mount(TimeProvider time)
    {
        Medium.OnStep = step => StepAsync(step, time);
        Medium.Room = _room;
    }

    private static bool Owns(ClusterTopology topology, ReplicaGroup group, WriteRecord record) => topology.RingOf(group.Layout).OwnerOf(record.Key.Position) == group.Shard;

    private static bool Has(InMemoryDisk medium, WriteRecord record)
    {
        var state = Synced(medium);
        return (state.Winners.TryGetValue(record, out var winner) && !WinnerRule.Wins(record, winner)) || state.Log.TryGetValue(record, out _);
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_synced")]
    private static extern ref StoredState Synced(InMemoryDisk medium);

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
