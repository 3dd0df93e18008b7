using Kv.Common.Consensus;
using Kv.Common.Topology;

namespace Kv.Node.Topology;

/// <summary>What a node asks of another one about the topology.</summary>
internal abstract record ControlRequest
{
    private ControlRequest()
    {
    }

    /// <summary>Phase 1 of an attempt; see <see cref="AcceptorCore"/>.</summary>
    internal sealed record Prepare(ClusterTopology Parent, Ballot Ballot) : ControlRequest;

    /// <summary>Phase 2 of an attempt.</summary>
    internal sealed record Accept(ClusterTopology Parent, Ballot Ballot, ClusterTopology Value) : ControlRequest;

    /// <summary>This topology is decided; answered when it, or a newer one, is durable there.</summary>
    internal sealed record Learn(ClusterTopology Topology) : ControlRequest;

    /// <summary>Which topology do you act on?</summary>
    internal sealed record Read : ControlRequest;

    /// <summary>While the cluster forms: record me as the one at my address; see <see cref="FirstSeen"/>.</summary>
    internal sealed record Hello : ControlRequest;
}
