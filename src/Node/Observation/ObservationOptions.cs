namespace Kv.Node.Observation;

/// <summary>What a node shows of its cluster to people who watch: status, events, the console. Section <c>Observation</c>.</summary>
internal sealed class ObservationOptions
{
    /// <summary>How often a node looks for what has changed; what comes and goes between two looks is no event.</summary>
    public TimeSpan LookInterval { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>How often a subscriber of the event stream is sent the status. Events are sent at once, and the status with them.</summary>
    public TimeSpan StatusInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>After how long without anything to send a subscriber is sent a comment, so that neither side takes the connection for dead.</summary>
    public TimeSpan KeepAliveInterval { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Most subscribers of the event stream at a time; more are refused. They do not count as <c>Rest:MaxOtherRequests</c>.</summary>
    public int MaxSubscribers { get; set; } = 32;

    /// <summary>How many events are remembered for those who come later, or come back.</summary>
    public int MaxEvents { get; set; } = 256;

    /// <summary>How long replicas must have differed to make an event: while clients write, they always differ by the last few writes.</summary>
    public TimeSpan ConvergencePatience { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>How long the answer of a replica that is asked what it holds of a key is waited for.</summary>
    public TimeSpan AnswerTimeout { get; set; } = TimeSpan.FromSeconds(1);

    public IEnumerable<string> Validate()
    {
        if (LookInterval < TimeSpan.FromMilliseconds(10) || LookInterval > TimeSpan.FromMinutes(1)) yield return "Observation:LookInterval must be 10 ms to 1 min.";
        if (StatusInterval < LookInterval) yield return "Observation:StatusInterval must be at least Observation:LookInterval.";
        if (KeepAliveInterval < LookInterval) yield return "Observation:KeepAliveInterval must be at least Observation:LookInterval.";
        if (MaxSubscribers is < 1 or > 4096) yield return "Observation:MaxSubscribers must be 1 to 4096.";
        if (MaxEvents is < 1 or > 65536) yield return "Observation:MaxEvents must be 1 to 65536.";
        if (ConvergencePatience < TimeSpan.Zero) yield return "Observation:ConvergencePatience must not be negative.";
        if (AnswerTimeout <= TimeSpan.Zero || AnswerTimeout > TimeSpan.FromMinutes(1)) yield return "Observation:AnswerTimeout must be more than zero and at most one minute.";
    }
}
