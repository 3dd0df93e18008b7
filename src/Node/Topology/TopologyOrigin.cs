using Kv.Common.Topology;

namespace Kv.Node.Topology;

/// <summary>What a node that has just been made knows of the cluster.</summary>
/// <param name="Known">The provisional topology, or the one it found.</param>
/// <param name="IsUninvited">True when it was made in the place of a node that was removed.</param>
internal sealed record TopologyOrigin(ClusterTopology Known, bool IsUninvited = false);
