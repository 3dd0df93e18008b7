namespace Kv.Node.Changes;

/// <summary>The change feed. Section <c>Changes</c>.</summary>
internal sealed class ChangesOptions
{
    /// <summary>Most feeds that this node serves at a time; more are refused.</summary>
    public int MaxFeeds { get; set; } = 64;

    /// <summary>Most of a feed's changes that are held at a time, of all shards together, bytes; one change of each shard may exceed it alone. 2 MiB.</summary>
    public int MaxBytesPerFeed { get; set; } = 2 << 20;

    /// <summary>Most scans of the data at a time, of clients' feeds here and of other nodes'; more wait for their turn.</summary>
    public int MaxScans { get; set; } = 2;

    /// <summary>How often a feed that has nothing to tell says so, with a newer resume point if there is one.</summary>
    public TimeSpan HeartbeatInterval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a feed pauses after it has told all there was: under load it tells so much at once.</summary>
    public TimeSpan Pause { get; set; } = TimeSpan.FromMilliseconds(20);

    /// <summary>How long a replica may take to answer, or to send the next piece of a scan, before another one is asked.</summary>
    public TimeSpan AnswerTimeout { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>How long a feed may take to begin: to hear from every shard, and from replicas that hold what its token names.</summary>
    public TimeSpan OpenTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long a replica that lacks some of what a feed has passed on waits for it before it answers all the same: what it lacks is told a second time when it comes.
    /// </summary>
    public TimeSpan CatchUpWait { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a change waits for a write that its token names, when the node that made it has been removed from the cluster and no replica that was asked has it.</summary>
    public TimeSpan LostAfter { get; set; } = TimeSpan.FromSeconds(10);

    public IEnumerable<string> Validate()
    {
        if (MaxFeeds is < 0 or > 1 << 20) yield return "Changes:MaxFeeds must be 0 to 1048576.";
        if (MaxBytesPerFeed is < 1 << 16 or > 1 << 30) yield return "Changes:MaxBytesPerFeed must be 64 KiB to 1 GiB.";
        if (MaxScans is < 1 or > 1024) yield return "Changes:MaxScans must be 1 to 1024.";
        if (HeartbeatInterval < TimeSpan.FromMilliseconds(100)) yield return "Changes:HeartbeatInterval must be at least 100 ms.";
        if (Pause < TimeSpan.Zero) yield return "Changes:Pause must not be negative.";
        if (AnswerTimeout <= TimeSpan.Zero) yield return "Changes:AnswerTimeout must be more than zero.";
        if (OpenTimeout <= TimeSpan.Zero) yield return "Changes:OpenTimeout must be more than zero.";
        if (CatchUpWait <= TimeSpan.Zero || CatchUpWait >= AnswerTimeout) yield return "Changes:CatchUpWait must be more than zero and less than Changes:AnswerTimeout.";
        if (LostAfter <= TimeSpan.Zero) yield return "Changes:LostAfter must be more than zero.";
    }
}
