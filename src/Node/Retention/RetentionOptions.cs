namespace Kv.Node.Retention;

/// <summary>How long the log and deletions are kept. Section <c>Retention</c>.</summary>
internal sealed class RetentionOptions
{
    /// <summary>How often it is looked after.</summary>
    public TimeSpan ReviewInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How often the deletions that are remembered are gone through, to forget those of which everybody knows.</summary>
    public TimeSpan TombstoneInterval { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How many entries have to go before any does: each time costs the store a little, however many they are. So up to that many stay where nobody writes, for change feeds to
    /// resume from, and the deletions of their keys with them.
    /// </summary>
    public long MinTrimRecords { get; set; } = 1000;

    /// <summary>
    /// Entries beyond which the log is too long: then it is no longer kept for replicas that are being filled, and a member that is dead is made one that has to be filled
    /// before it serves again (<see cref="DemoteAfter"/>). 0 for no bound. For snapshots of change feeds, and for backups, that are under way up to half of it is kept.
    /// </summary>
    public long MaxLogRecords { get; set; } = 2_000_000;

    /// <summary>The same in bytes on the disk, as the store estimates it; 0 for no bound. 1 GiB.</summary>
    public long MaxLogBytes { get; set; } = 1L << 30;

    /// <summary>
    /// How long a member must have been dead, as this node sees it, before a log that is too long costs it its place. It keeps its data, and gets what differs when it is
    /// back. Only where two other members are alive.
    /// </summary>
    public TimeSpan DemoteAfter { get; set; } = TimeSpan.FromMinutes(1);

    public IEnumerable<string> Validate()
    {
        if (ReviewInterval <= TimeSpan.Zero) yield return "Retention:ReviewInterval must be more than zero.";
        if (TombstoneInterval < TimeSpan.Zero) yield return "Retention:TombstoneInterval must not be negative.";
        if (MinTrimRecords < 1) yield return "Retention:MinTrimRecords must be at least 1.";
        if (MaxLogRecords < 0) yield return "Retention:MaxLogRecords must not be negative.";
        if (MaxLogBytes < 0) yield return "Retention:MaxLogBytes must not be negative.";
        if (DemoteAfter <= TimeSpan.Zero) yield return "Retention:DemoteAfter must be more than zero.";
    }
}
