using Kv.Common.Consensus;
using Kv.Common.Identity;
using Kv.Common.Topology;

namespace Kv.Node.Topology;

/// <summary>The answer to a <see cref="ControlRequest"/>.</summary>
internal abstract record ControlReply
{
    private ControlReply()
    {
    }

    /// <summary>To prepare and accept.</summary>
    internal sealed record Voted(AcceptorReply<ClusterTopology> Reply) : ControlReply;

    /// <summary>To learn and read: who answers, and the topology it acts on, which is durable there.</summary>
    internal sealed record Holds(NodeIdentity From, ClusterTopology Topology) : ControlReply;

    /// <summary>To hello.</summary>
    internal sealed record Greeted(NodeIdentity From, HelloReply Reply, ClusterTopology Topology) : ControlReply;

    /// <summary>The request cannot be served: it contradicts what is known here.</summary>
    internal sealed record Refused(string Reason) : ControlReply;
}
