using System.Globalization;
using Grpc.Core;
using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Signals;
using W = Kv.Wire;

namespace Kv.Node.Rpc;

/// <summary>The gRPC door of the topology.</summary>
internal sealed class ControlPlaneRpc(NodeIdentity self, Published<ClusterTopology> topology) : W.ControlPlane.ControlPlaneBase
{
    public override Task<W.GetTopologyReply> GetTopology(W.GetTopologyRequest request, ServerCallContext context)
    {
        var view = topology.Current;
        var reply = new W.GetTopologyReply
        {
            Cluster = view.Cluster.ToString(),
            Epoch = view.Epoch.Value,
            Digest = view.Digest.ToString("x16", CultureInfo.InvariantCulture),
            Self = self.Address.ToString(),
            Incarnation = self.Incarnation.ToString(),
            RingArcs = (uint)view.Ring.ArcCount,
        };
        reply.Members.AddRange(view.Members.Select(member => member.ToString()));
        foreach (var shard in view.Shards)
        {
            var wire = new W.Shard { Id = shard.Id.ToString(), Arcs = (uint)view.Ring.ArcsOf(shard.Id) };
            wire.Members.AddRange(shard.Members.Select(member => member.ToString()));
            reply.Shards.Add(wire);
        }

        return Task.FromResult(reply);
    }
}
