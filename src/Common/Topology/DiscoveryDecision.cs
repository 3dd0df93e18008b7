using System.Collections.Immutable;
using Kv.Common.Identity;

namespace Kv.Common.Topology;

/// <summary>What follows for a node that looks for its cluster.</summary>
public abstract record DiscoveryDecision
{
    private DiscoveryDecision()
    {
    }

    /// <summary>To go on asking. <paramref name="Silent"/>: who did not answer. <paramref name="Strangers"/>: who looks as well, but among other nodes.</summary>
    public sealed record Wait(ImmutableArray<NodeAddress> Silent, ImmutableArray<NodeAddress> Strangers) : DiscoveryDecision;

    /// <summary>There is a cluster: its topology is where this node begins.</summary>
    public sealed record Join(ClusterTopology Topology) : DiscoveryDecision;

    /// <summary>There is none, and those who look for one form it, each by itself; all of them arrive at this topology.</summary>
    public sealed record Form(ClusterTopology Topology) : DiscoveryDecision;

    /// <summary>There are two: no node can be in both, and this one must not choose.</summary>
    public sealed record Torn(NodeAddress One, ClusterId ClusterOfOne, NodeAddress Other, ClusterId ClusterOfOther) : DiscoveryDecision;
}
