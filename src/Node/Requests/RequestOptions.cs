namespace Kv.Node.Requests;

/// <summary>Bounds of the request path. Section <c>Requests</c>.</summary>
internal sealed class RequestOptions
{
    /// <summary>How long a request waits for its token's past before it is answered 503.</summary>
    public TimeSpan CausalWait { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a request waits for its token's past to come by itself before it is asked of the peers.</summary>
    public TimeSpan AskAfter { get; set; } = TimeSpan.FromMilliseconds(50);

    /// <summary>How long a write waits for its write concern before it is answered 503.</summary>
    public TimeSpan WriteConcernWait { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>What is added to the waits above when a request is forwarded, so that the replica's own answer comes first.</summary>
    public TimeSpan ForwardingAllowance { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>A peer for which requests wait and that has answered none of them for so long is sent more only when no other replica can take them.</summary>
    public TimeSpan LateAfter { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Longest key, in Unicode characters.</summary>
    public int MaxKeyCharacters { get; set; } = 50;

    /// <summary>Largest request body, bytes.</summary>
    public int MaxBodyBytes { get; set; } = 1 << 20;

    /// <summary>Most clients' reads under way at a time, and most that peers forward; more are refused.</summary>
    public int MaxReads { get; set; } = 4096;

    /// <summary>The same for writes.</summary>
    public int MaxWrites { get; set; } = 4096;

    /// <summary>Most clients' listings under way at a time, and most that peers forward: each may hold a page. A part of <see cref="MaxReads"/>.</summary>
    public int MaxListings { get; set; } = 64;

    /// <summary>Most clients' batches under way at a time: each may hold an answer of many values.</summary>
    public int MaxBatches { get; set; } = 64;

    /// <summary>Most bytes of the bodies of clients' writes under way, and of those that peers forward; more are refused. 256 MiB.</summary>
    public long MaxWriteBytes { get; set; } = 256L << 20;

    /// <summary>
    /// Most requests that wait at a time for their token's past, or ask for more replicas than the default write concern does; more are refused. A part of
    /// <see cref="MaxReads"/> and <see cref="MaxWrites"/>, so that the others are not kept out.
    /// </summary>
    public int MaxWaiting { get; set; } = 1024;

    /// <summary>Most requests that wait for one peer at a time; more are refused. A part of the above as well: one shard that hangs is not to keep out the others.</summary>
    public int MaxForwardedPerPeer { get; set; } = 1024;

    /// <summary>
    /// How long after its start a node counts members that it has not heard yet as reachable: the default write concern must not take "not heard yet" for
    /// "gone". At least the time in which the failure detector would find out.
    /// </summary>
    public TimeSpan FirstHearing { get; set; } = TimeSpan.FromSeconds(3);

    public IEnumerable<string> Validate()
    {
        if (CausalWait <= TimeSpan.Zero || CausalWait > TimeSpan.FromMinutes(1)) yield return "Requests:CausalWait must be more than zero and at most one minute.";
        if (WriteConcernWait <= TimeSpan.Zero || WriteConcernWait > TimeSpan.FromMinutes(1)) yield return "Requests:WriteConcernWait must be more than zero and at most one minute.";
        if (AskAfter <= TimeSpan.Zero) yield return "Requests:AskAfter must be more than zero.";
        if (FirstHearing < TimeSpan.Zero) yield return "Requests:FirstHearing must not be negative.";
        if (ForwardingAllowance < TimeSpan.Zero) yield return "Requests:ForwardingAllowance must not be negative.";
        if (LateAfter <= TimeSpan.Zero) yield return "Requests:LateAfter must be more than zero.";
        if (MaxKeyCharacters is < 1 or > 1024) yield return "Requests:MaxKeyCharacters must be 1 to 1024.";
        if (MaxBodyBytes is < 1024 or > 16 << 20) yield return "Requests:MaxBodyBytes must be 1 KiB to 16 MiB.";
        if (MaxReads is < 1 or > 1 << 20) yield return "Requests:MaxReads must be 1 to 1048576.";
        if (MaxWrites is < 1 or > 1 << 20) yield return "Requests:MaxWrites must be 1 to 1048576.";
        if (MaxListings is < 1 or > 1 << 20) yield return "Requests:MaxListings must be 1 to 1048576.";
        if (MaxBatches is < 1 or > 1 << 20) yield return "Requests:MaxBatches must be 1 to 1048576.";
        if (MaxWriteBytes < MaxBodyBytes) yield return "Requests:MaxWriteBytes must be at least Requests:MaxBodyBytes.";
        if (MaxWaiting is < 1 or > 1 << 20) yield return "Requests:MaxWaiting must be 1 to 1048576.";
        if (MaxForwardedPerPeer is < 1 or > 1 << 20) yield return "Requests:MaxForwardedPerPeer must be 1 to 1048576.";
    }
}
