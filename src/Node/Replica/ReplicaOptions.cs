namespace Kv.Node.Replica;

/// <summary>Bounds of the single writer. Section <c>Replica</c>.</summary>
internal sealed class ReplicaOptions
{
    /// <summary>Most items that wait for the writer; beyond it clients' writes are refused, and what peers send waits with them.</summary>
    public int MailboxCapacity { get; set; } = 4096;

    /// <summary>Most records of one group commit (one storage batch, one sync); a delivered batch is never split.</summary>
    public int MaxGroupCommit { get; set; } = 1024;

    /// <summary>Bytes of values and tokens after which a group commit is closed; the last item may exceed it. 16 MiB.</summary>
    public int MaxGroupCommitBytes { get; set; } = 16 << 20;

    /// <summary>How long a write may wait for the writer while there is more than one group commit can take; see <see cref="QueueDelay"/>.</summary>
    public TimeSpan QueueTarget { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>How long writes must have waited longer than that before further ones are refused.</summary>
    public TimeSpan QueueInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How often a replica without room on its disk looks whether there is some again.</summary>
    public TimeSpan RoomInterval { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>How long a node without earlier data waits to hear from a member of its shard before it takes the cluster to be new.</summary>
    public TimeSpan FormationGrace { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How often a node that catches up before it serves asks for what it still lacks.</summary>
    public TimeSpan CatchUpRetry { get; set; } = TimeSpan.FromSeconds(1);

    public IEnumerable<string> Validate()
    {
        if (FormationGrace < TimeSpan.Zero) yield return "Replica:FormationGrace must not be negative.";
        if (CatchUpRetry <= TimeSpan.Zero) yield return "Replica:CatchUpRetry must be more than zero.";
        if (QueueTarget <= TimeSpan.Zero) yield return "Replica:QueueTarget must be more than zero.";
        if (QueueInterval <= TimeSpan.Zero) yield return "Replica:QueueInterval must be more than zero.";
        if (RoomInterval <= TimeSpan.Zero) yield return "Replica:RoomInterval must be more than zero.";
        if (MaxGroupCommitBytes is < 1 << 20 or > 1 << 28) yield return "Replica:MaxGroupCommitBytes must be 1 MiB to 256 MiB.";
        if (MailboxCapacity is < 1 or > 1 << 20) yield return "Replica:MailboxCapacity must be 1 to 1048576.";
        if (MaxGroupCommit is < 1 or > 1 << 16) yield return "Replica:MaxGroupCommit must be 1 to 65536.";
    }
}
