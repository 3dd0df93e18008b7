namespace Kv.Node.Topology;

/// <summary>Bounds of deciding on the topology. Section <c>Topology</c>.</summary>
internal sealed class TopologyOptions
{
    /// <summary>How long a proposer waits for the votes of one phase before it tries again.</summary>
    public TimeSpan AnswerTimeout { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Least and most pause before another attempt; drawn at random in between, doubling, so that proposers that collide part.</summary>
    public TimeSpan RetryMin { get; set; } = TimeSpan.FromMilliseconds(20);

    /// <inheritdoc cref="RetryMin"/>
    public TimeSpan RetryMax { get; set; } = TimeSpan.FromMilliseconds(640);

    /// <summary>How long a change of the topology may take to be decided before it is answered with who is missing.</summary>
    public TimeSpan ChangeTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How often a forming cluster greets those it has not heard, and a node that looks for its cluster asks the others.</summary>
    public TimeSpan HelloInterval { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How long a forming cluster waits for all of VIEW before a majority seals it; nodes may be started half a minute apart.</summary>
    public TimeSpan SealPatience { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long a majority of VIEW that looks for its cluster waits for the rest before it forms one; nodes may be started half a minute apart, and the last
    /// one may be the one that was given a SHARD_COUNT.
    /// </summary>
    public TimeSpan DiscoveryPatience { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How often a node that should do something about the topology looks whether it still has to.</summary>
    public TimeSpan ReviewInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a request to remove a node waits for it to hand over what only it holds.</summary>
    public TimeSpan HandOverTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a request to add a replica waits for it to hold everything; the replica goes on after that.</summary>
    public TimeSpan FillTimeout { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// How long a member must be dead before it is removed from the cluster by itself; 0 for never. Only where its shard keeps two live members, and when a majority of those who decide say that they do not hear it, no member that it does, and it does not answer. A node that is
    /// removed begins anew when it comes back, and waits to be let in.
    /// </summary>
    public TimeSpan RemoveDeadAfter { get; set; }

    public IEnumerable<string> Validate()
    {
        if (AnswerTimeout <= TimeSpan.Zero) yield return "Topology:AnswerTimeout must be more than zero.";
        if (RetryMin <= TimeSpan.Zero || RetryMax < RetryMin) yield return "Topology:RetryMin must be more than zero and at most Topology:RetryMax.";
        if (ChangeTimeout <= TimeSpan.Zero) yield return "Topology:ChangeTimeout must be more than zero.";
        if (HelloInterval <= TimeSpan.Zero) yield return "Topology:HelloInterval must be more than zero.";
        if (SealPatience < TimeSpan.Zero) yield return "Topology:SealPatience must not be negative.";
        if (DiscoveryPatience < TimeSpan.Zero) yield return "Topology:DiscoveryPatience must not be negative.";
        if (RemoveDeadAfter < TimeSpan.Zero) yield return "Topology:RemoveDeadAfter must not be negative.";
        if (FillTimeout <= TimeSpan.Zero) yield return "Topology:FillTimeout must be more than zero.";
        if (HandOverTimeout <= TimeSpan.Zero) yield return "Topology:HandOverTimeout must be more than zero.";
        if (ReviewInterval <= TimeSpan.Zero) yield return "Topology:ReviewInterval must be more than zero.";
    }
}
