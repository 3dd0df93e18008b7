using Kv.Common.Topology;
using Kv.Node.Signals;

namespace Kv.Node.Topology;

/// <summary>
/// Holds the topology this node acts on: one immutable snapshot per epoch, monotone. Before any change is decided it is the one that VIEW and
/// SHARD_COUNT give, the same on every node because it is calculated from them alone.
/// </summary>
internal sealed class TopologyRegister(ClusterTopology genesis)
{
    public Published<ClusterTopology> Topology { get; } = new(genesis);
}
