namespace Kv.Node.Replica;

/// <summary>Bounds of the single writer. Section <c>Replica</c>.</summary>
internal sealed class ReplicaOptions
{
    /// <summary>Most items that wait for the writer; callers wait beyond it.</summary>
    public int MailboxCapacity { get; set; } = 4096;

    /// <summary>Most records of one group commit (one storage batch, one sync); a delivered batch is never split.</summary>
    public int MaxGroupCommit { get; set; } = 1024;

    /// <summary>How long a node without earlier data waits to hear from a member of its shard before it takes the cluster to be new.</summary>
    public TimeSpan FormationGrace { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How often a node that catches up before it serves asks for what it still lacks.</summary>
    public TimeSpan CatchUpRetry { get; set; } = TimeSpan.FromSeconds(1);

    public IEnumerable<string> Validate()
    {
        if (FormationGrace < TimeSpan.Zero) yield return "Replica:FormationGrace must not be negative.";
        if (CatchUpRetry <= TimeSpan.Zero) yield return "Replica:CatchUpRetry must be more than zero.";
        if (MailboxCapacity is < 1 or > 1 << 20) yield return "Replica:MailboxCapacity must be 1 to 1048576.";
        if (MaxGroupCommit is < 1 or > 1 << 16) yield return "Replica:MaxGroupCommit must be 1 to 65536.";
    }
}
