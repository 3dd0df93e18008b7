namespace Kv.Simulation.Faults;

/// <summary>What can go wrong. Names in kebab case are those of the command line.</summary>
internal enum FaultKind
{
    /// <summary>A process is killed and started again.</summary>
    Kill,

    /// <summary>A machine loses power: nobody is told, and unsynced writes are lost, the last one torn.</summary>
    PowerLoss,

    /// <summary>A process is killed in the middle of a write: before it is written, before it is synced, or before it is acknowledged.</summary>
    CrashInWrite,

    /// <summary>Every process is killed, or every machine loses power, at once.</summary>
    KillAll,

    /// <summary>A machine is lost with its disk, and replaced by one that knows nothing.</summary>
    DiskLoss,

    /// <summary>The same, and the new machine does not reach the others of its shard for a while.</summary>
    LonelyDiskLoss,

    /// <summary>A process is asked to stop.</summary>
    Stop,

    /// <summary>A process stands still.</summary>
    Pause,

    /// <summary>Everything a process does takes a while.</summary>
    SlowNode,

    /// <summary>The machines fall into two groups that do not hear each other.</summary>
    Partition,

    /// <summary>One machine is cut off from all others.</summary>
    Isolation,

    /// <summary>One machine does not hear another, which hears it.</summary>
    OneWayCut,

    /// <summary>Two groups, and one machine that hears both.</summary>
    Bridge,

    SlowLink,

    LossyLink,

    /// <summary>Established connections break.</summary>
    ConnectionReset,

    SlowDisk,

    /// <summary>A disk is about to be full and says so; or it is, and does not.</summary>
    FullDisk,

    /// <summary>One write fails.</summary>
    DiskError,

    /// <summary>The wall clock jumps, and is put right later.</summary>
    ClockJump,

    /// <summary>Fetched batches arrive twice and out of order.</summary>
    FetchDisorder,

    /// <summary>For a while, processes are killed or cut off right after they made a vote, or a new topology, durable.</summary>
    CrashAfterVote,

    /// <summary>For a while, processes are killed or cut off right after a step of a reshard became durable, from its beginning to the switch.</summary>
    CrashInReshard,

    /// <summary>Not a fault: an operator switches a new machine on, or lets one in again that was removed.</summary>
    AddNode,

    /// <summary>Not a fault: an operator removes a member.</summary>
    RemoveNode,

    /// <summary>Not a fault: an operator has a member without a shard replicate one.</summary>
    AddReplica,

    /// <summary>Not a fault: an operator has the cluster form another number of shards, or spread its nodes anew.</summary>
    Reshard,

    /// <summary>Not a fault: an operator gives the reshard under way up.</summary>
    CancelReshard,
}
