namespace Kv.Node.Rest;

/// <summary>What a client may take of the REST door. Section <c>Rest</c>.</summary>
internal sealed class RestOptions
{
    /// <summary>Most connections; when there are so many, a new one takes the place of the one that is idle longest.</summary>
    public int MaxConnections { get; set; } = 10_000;

    /// <summary>
    /// How long a connection must have been idle, a body on its way in, or an answer on its way out, before it may be ended to make room for another. Until then the other one is
    /// refused: a crowd that comes all at once does not push out those who are just being served.
    /// </summary>
    public TimeSpan Patience { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a connection may be idle.</summary>
    public TimeSpan KeepAliveTimeout { get; set; } = TimeSpan.FromSeconds(130);

    /// <summary>How long the headers of a request may take, from their first byte.</summary>
    public TimeSpan HeadersTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a body may take to arrive.</summary>
    public TimeSpan BodyTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long an answer may take to be read.</summary>
    public TimeSpan AnswerTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Bytes a second that a client must send of its body, and read of its answer, once <see cref="RateGrace"/> is over. Of peers' calls as well, where nothing else bounds them.</summary>
    public int MinBytesPerSecond { get; set; } = 240;

    /// <summary>How long a body or an answer may be slower than that.</summary>
    public TimeSpan RateGrace { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Most bodies of which a part is still to come; one that came with its headers does not count.</summary>
    public int MaxSlowBodies { get; set; } = 256;

    /// <summary>Most answers that their clients have yet to read, beyond what the connection holds.</summary>
    public int MaxSlowAnswers { get; set; } = 256;

    /// <summary>Most requests under way that are not for a key: about shards, the view, resharding. Probes and metrics are not bounded.</summary>
    public int MaxOtherRequests { get; set; } = 128;

    public IEnumerable<string> Validate()
    {
        if (MaxConnections is < 1 or > 1 << 20) yield return "Rest:MaxConnections must be 1 to 1048576.";
        if (MaxSlowBodies is < 1 or > 1 << 20) yield return "Rest:MaxSlowBodies must be 1 to 1048576.";
        if (MaxSlowAnswers is < 1 or > 1 << 20) yield return "Rest:MaxSlowAnswers must be 1 to 1048576.";
        if (MaxOtherRequests is < 1 or > 1 << 20) yield return "Rest:MaxOtherRequests must be 1 to 1048576.";
        if (MinBytesPerSecond < 1) yield return "Rest:MinBytesPerSecond must be at least 1.";
        if (Patience < TimeSpan.Zero) yield return "Rest:Patience must not be negative.";
        // Kestrel looks at its timeouts once a second.
        if (RateGrace <= TimeSpan.FromSeconds(1)) yield return "Rest:RateGrace must be more than one second.";
        if (KeepAliveTimeout <= TimeSpan.Zero) yield return "Rest:KeepAliveTimeout must be more than zero.";
        if (HeadersTimeout <= TimeSpan.Zero) yield return "Rest:HeadersTimeout must be more than zero.";
        if (BodyTimeout <= TimeSpan.Zero) yield return "Rest:BodyTimeout must be more than zero.";
        if (AnswerTimeout <= TimeSpan.Zero) yield return "Rest:AnswerTimeout must be more than zero.";
    }
}
