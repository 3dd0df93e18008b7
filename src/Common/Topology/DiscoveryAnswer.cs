using System.Collections.Immutable;
using Kv.Common.Identity;

namespace Kv.Common.Topology;

/// <summary>What a node says when it is asked for its topology by one that looks for a cluster.</summary>
public abstract record DiscoveryAnswer
{
    private DiscoveryAnswer()
    {
    }

    /// <summary>It acts on this topology, which may be a provisional one.</summary>
    public sealed record Belongs(ClusterTopology Topology) : DiscoveryAnswer;

    /// <summary>It looks for a cluster itself, among these nodes.</summary>
    public sealed record Undecided(ImmutableSortedSet<NodeAddress> View) : DiscoveryAnswer;
}
