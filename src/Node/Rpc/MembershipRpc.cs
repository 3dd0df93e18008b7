using System.Globalization;
using Grpc.Core;
using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Membership;
using Kv.Node.Peers;
using Kv.Node.Peers.Wire;
using Kv.Node.Signals;
using W = Kv.Wire;

namespace Kv.Node.Rpc;

/// <summary>The gRPC door of membership.</summary>
internal sealed class MembershipRpc(
    NodeIdentity self, Published<ClusterTopology> topology, InboundHeartbeats inbound, MembershipService membership, TimeProvider time, IHostApplicationLifetime lifetime)
    : W.Membership.MembershipBase
{
    public override Task Exchange(IAsyncStreamReader<W.Heartbeat> requests, IServerStreamWriter<W.Heartbeat> responses, ServerCallContext context)
    {
        var codec = new HeartbeatCodec();
        return RpcFailures.ServeAsync(context, lifetime, end => inbound.ServeAsync(
            new GrpcPeerStream<Heartbeat, Heartbeat, W.Heartbeat, W.Heartbeat>(self.Address, responses, requests, codec.ToWire, codec.ToDomain, null),
            end));
    }

    public override Task<W.ProbeReply> Probe(W.ProbeRequest request, ServerCallContext context)
    {
        RpcFailures.Admit(request.Sender, self, topology.Current);
        if (!NodeAddress.TryParse(request.Target, out var target)) throw new RpcException(new(StatusCode.InvalidArgument, "The target is not of the form host:port."));
        return Task.FromResult(new W.ProbeReply { Reachable = membership.Hears(target) });
    }

    public override Task<W.ListPeersReply> ListPeers(W.ListPeersRequest request, ServerCallContext context)
    {
        var view = membership.View.Current;
        var reply = new W.ListPeersReply { Self = self.Address.ToString() };
        foreach (var peer in view.Peers.OrderBy(p => p.Address))
        {
            reply.Peers.Add(new W.Peer
            {
                Address = peer.Address.ToString(),
                Incarnation = peer.Incarnation.IsNone ? "" : peer.Incarnation.ToString(),
                State = peer.State.ToString().ToUpper(CultureInfo.InvariantCulture),
                Epoch = peer.Epoch.Value,
                Suspicion = peer.Suspicion,
                LastHeardMsAgo = peer.Incarnation.IsNone ? -1 : (long)(time.Monotonic() - peer.LastHeard).TotalMilliseconds,
                ClockSkewMs = (long)peer.ClockSkew.TotalMilliseconds,
                KeyCount = (ulong)peer.LiveKeys,
                Vector = peer.Vector.ToWire(),
                Place = peer.Place?.ToString() ?? "",
                Filling = peer.Filling?.ToWire(),
                Owes = peer.Owes,
            });
        }

        return Task.FromResult(reply);
    }
}
