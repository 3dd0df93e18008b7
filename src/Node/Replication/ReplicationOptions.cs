namespace Kv.Node.Replication;

/// <summary>Causal broadcast and catching up. Section <c>Replication</c>.</summary>
internal sealed class ReplicationOptions
{
    /// <summary>First and longest pause before a broken stream is opened again; each pause is drawn at random up to a bound that doubles.</summary>
    public TimeSpan ReconnectMin { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <inheritdoc cref="ReconnectMin"/>
    public TimeSpan ReconnectMax { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How often a replica looks for records that their origin can no longer send it.</summary>
    public TimeSpan GapCheckInterval { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Most batches of one stream that are taken in before the first of them is durable.</summary>
    public int MaxBatchesAhead { get; set; } = 16;

    /// <summary>
    /// How long a peer may take to greet, or to send the next piece of what was asked of it. A machine that lost power says nothing, and a connection on
    /// which nothing is being sent never finds out.
    /// </summary>
    public TimeSpan AnswerTimeout { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>
    /// How long a replica asks in vain for what others of its group hold before it pulls all of the group once more: what came to all of them by transfer is in nobody's log.
    /// </summary>
    public TimeSpan RefillAfter { get; set; } = TimeSpan.FromSeconds(6);

    public IEnumerable<string> Validate()
    {
        if (AnswerTimeout <= TimeSpan.Zero) yield return "Replication:AnswerTimeout must be more than zero.";
        if (ReconnectMin <= TimeSpan.Zero || ReconnectMax < ReconnectMin) yield return "Replication:ReconnectMin must be more than zero and at most ReconnectMax.";
        if (RefillAfter <= TimeSpan.Zero) yield return "Replication:RefillAfter must be more than zero.";
        if (GapCheckInterval <= TimeSpan.Zero) yield return "Replication:GapCheckInterval must be more than zero.";
        if (MaxBatchesAhead is < 1 or > 1024) yield return "Replication:MaxBatchesAhead must be 1 to 1024.";
    }
}
