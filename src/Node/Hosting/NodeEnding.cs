using Kv.Common.Topology;

namespace Kv.Node.Hosting;

/// <summary>Why a node ended, for whoever ran it.</summary>
internal sealed class NodeEnding
{
    /// <summary>The topology in which the node is no member any more; null when it ended for another reason.</summary>
    public ClusterTopology? RemovedIn { get; set; }
}
