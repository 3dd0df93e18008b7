using Grpc.Core;
using Kv.Common.Topology;
using Kv.Node.Peers.Wire;
using W = Kv.Wire;

namespace Kv.Node.Hosting.ClusterDiscovery;

/// <summary>The peer port of a node that looks for its cluster: says so to others that look as well. Whatever else is called is not implemented yet.</summary>
internal sealed class UndecidedControlPlane(NodeOptions options) : W.ControlPlane.ControlPlaneBase
{
    private readonly W.GetTopologyReply _reply = new DiscoveryAnswer.Undecided([.. options.View]).ToWire(options.SocketAddress);

    public override Task<W.GetTopologyReply> GetTopology(W.GetTopologyRequest request, ServerCallContext context) => Task.FromResult(_reply);
}
