using Kv.Common.Topology;

namespace Kv.Node.Topology;

/// <summary>This node was removed, by an operator or for being dead too long: it must end, and whoever takes its place at this address begins empty, as another incarnation.</summary>
internal sealed class RemovedFromClusterException(ClusterTopology topology) : Exception($"This node was removed from the cluster in epoch {topology.Epoch}.")
{
    /// <summary>The topology that has the node no more.</summary>
    public ClusterTopology Topology => topology;
}
