namespace Kv.Node.Hosting.Drain;

/// <summary>How a node ends when it is told to (SIGTERM, Ctrl-C). Section <c>Drain</c>.</summary>
internal sealed class DrainOptions
{
    /// <summary>
    /// How long it goes on taking requests after it has said that it is not ready, so that load balancers and peers send theirs elsewhere: at least twice what they need to look again. A node that sees nobody else in the
    /// view does without.
    /// </summary>
    public TimeSpan Grace { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// How long all of it may take, the grace included; then the node ends whatever is still under way. Whoever kills processes that do not end has to wait some seconds longer (<c>docker stop</c> waits ten in all), and a second signal ends it at once.
    /// </summary>
    public TimeSpan Limit { get; set; } = TimeSpan.FromSeconds(6);

    public IEnumerable<string> Validate()
    {
        if (Grace < TimeSpan.Zero) yield return "Drain:Grace must not be negative.";
        if (Limit < Grace) yield return "Drain:Limit must be at least Drain:Grace.";
    }
}
