namespace Kv.Node.Migration;

/// <summary>Filling replicas and resharding. Section <c>Migration</c>.</summary>
internal sealed class MigrationOptions
{
    /// <summary>Most bytes of keys, values and tokens that a node sends a second to all it fills together; 0 for no bound.</summary>
    public long MaxBytesPerSecond { get; set; }

    /// <summary>
    /// Which part of the time, as giver and as taker, may go into transfers while clients are served; 1 for all of it. Where no client is served, transfers take what they can.
    /// </summary>
    public double ShareUnderLoad { get; set; } = 0.1;

    /// <summary>How many arcs of the ring (of 4096) are asked for at a time. What was asked for and broke off is asked for again; less means less again, and more requests.</summary>
    public int ArcsPerPart { get; set; } = 64;

    /// <summary>
    /// Most batches of one source that are taken in before the first of them is durable. Few, because clients' writes wait behind them; more is hardly faster.
    /// </summary>
    public int MaxBatchesAhead { get; set; } = 2;

    /// <summary>How long a donor may take to begin, or to send the next piece.</summary>
    public TimeSpan AnswerTimeout { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>First and longest pause before another donor, or the same, is asked again.</summary>
    public TimeSpan RetryMin { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <inheritdoc cref="RetryMin"/>
    public TimeSpan RetryMax { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long nothing comes of a fill before it is begun anew: a donor that is gone for good may have told of writes that nobody else has.
    /// </summary>
    public TimeSpan RestartAfter { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How often a reshard under way is looked after.</summary>
    public TimeSpan ReviewInterval { get; set; } = TimeSpan.FromMilliseconds(200);

    /// <summary>How much later than the live member before it, by address, each one brings a reshard to its end if nobody has.</summary>
    public TimeSpan TurnLength { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// For how long nothing may come of a reshard before it is committed without those who are not filled, if every shard to be has two who are. They join afterwards.
    /// </summary>
    public TimeSpan StragglerPatience { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>For how long nothing may come of a reshard, no record and no node more that is filled, before it is cancelled.</summary>
    public TimeSpan StallPatience { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>For how long a shard to be may lack its second live node before the reshard is cancelled.</summary>
    public TimeSpan LossPatience { get; set; } = TimeSpan.FromSeconds(5);

    public IEnumerable<string> Validate()
    {
        if (MaxBytesPerSecond < 0) yield return "Migration:MaxBytesPerSecond must not be negative.";
        if (!(ShareUnderLoad is >= 0.01 and <= 1)) yield return "Migration:ShareUnderLoad must be 0.01 to 1.";
        if (ArcsPerPart is < 1 or > 4096) yield return "Migration:ArcsPerPart must be 1 to 4096.";
        if (MaxBatchesAhead is < 1 or > 1024) yield return "Migration:MaxBatchesAhead must be 1 to 1024.";
        if (AnswerTimeout <= TimeSpan.Zero) yield return "Migration:AnswerTimeout must be more than zero.";
        if (RetryMin <= TimeSpan.Zero || RetryMax < RetryMin) yield return "Migration:RetryMin must be more than zero and at most Migration:RetryMax.";
        if (RestartAfter <= AnswerTimeout) yield return "Migration:RestartAfter must be more than Migration:AnswerTimeout.";
        if (ReviewInterval <= TimeSpan.Zero) yield return "Migration:ReviewInterval must be more than zero.";
        if (TurnLength <= TimeSpan.Zero) yield return "Migration:TurnLength must be more than zero.";
        if (StragglerPatience <= RestartAfter) yield return "Migration:StragglerPatience must be more than Migration:RestartAfter.";
        if (StallPatience <= TimeSpan.Zero) yield return "Migration:StallPatience must be more than zero.";
        if (LossPatience < TimeSpan.Zero) yield return "Migration:LossPatience must not be negative.";
    }
}
