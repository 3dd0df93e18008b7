namespace Kv.Common.Topology;

/// <summary>What a wish comes to in a given topology.</summary>
public abstract record ChangeResult
{
    private ChangeResult()
    {
    }

    /// <summary>The topology to decide.</summary>
    public sealed record Next(ClusterTopology Topology) : ChangeResult;

    /// <summary>It is so already; nothing is to be decided.</summary>
    public sealed record AlreadySo : ChangeResult;

    /// <summary>It must not be.</summary>
    public sealed record Refused(ChangeRefusal Reason) : ChangeResult;
}
