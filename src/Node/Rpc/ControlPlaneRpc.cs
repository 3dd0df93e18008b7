using System.Globalization;
using Grpc.Core;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Topology;
using Kv.Node.Peers.Wire;
using Kv.Node.Signals;
using Kv.Node.Topology;
using W = Kv.Wire;

namespace Kv.Node.Rpc;

/// <summary>The gRPC door of the topology.</summary>
internal sealed class ControlPlaneRpc(NodeIdentity self, Published<ClusterTopology> topology, Published<MembershipView> membership, InboundControl inbound, TopologyChanges changes, IHostApplicationLifetime lifetime)
    : W.ControlPlane.ControlPlaneBase
{
    public override Task<W.VoteReply> Prepare(W.PrepareRequest request, ServerCallContext context) =>
        AnswerAsync(request.Sender, request.ToDomain, reply => reply.ToVote(self), context);

    public override Task<W.VoteReply> Accept(W.AcceptRequest request, ServerCallContext context) =>
        AnswerAsync(request.Sender, request.ToDomain, reply => reply.ToVote(self), context);

    public override Task<W.HoldsReply> Learn(W.LearnRequest request, ServerCallContext context) =>
        AnswerAsync(request.Sender, request.ToDomain, WireControl.ToHolds, context);

    public override Task<W.HoldsReply> Read(W.ReadRequest request, ServerCallContext context) =>
        AnswerAsync(request.Sender, () => new ControlRequest.Read(), WireControl.ToHolds, context);

    public override Task<W.HelloReply> Hello(W.HelloRequest request, ServerCallContext context) =>
        AnswerAsync(request.Sender, () => new ControlRequest.Hello(), WireControl.ToHello, context);

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
            Text = TopologyText.Write(view),
        };
        reply.Members.AddRange(view.Members.Select(member => member.ToString()));
        reply.Shards.AddRange(view.Shards.Select(shard => Show(shard, view.Ring)));
        reply.Layouts.AddRange(view.Layouts.Select(shardCount => (uint)shardCount));
        if (view.Transition is { } transition)
        {
            reply.Reshard = new() { Id = transition.Id.ToString(), Begun = transition.Begun.Value };
            reply.Reshard.Shards.AddRange(transition.Shards.Select(shard => Show(shard, transition.Ring)));
        }

        return Task.FromResult(reply);
    }

    public override async Task<W.RecoverReply> Recover(W.RecoverRequest request, ServerCallContext context)
    {
        var survivors = new List<NodeAddress>();
        foreach (var text in request.Survivors)
        {
            if (!NodeAddress.TryParse(text, out var address)) throw new RpcException(new(StatusCode.InvalidArgument, "A survivor's address is not of the form host:port."));
            survivors.Add(address);
        }

        if (!survivors.Contains(self.Address)) throw new RpcException(new(StatusCode.InvalidArgument, $"The node that is asked, {self.Address}, must be among the survivors."));
        var current = topology.Current;
        if (request.Epoch != current.Epoch.Value)
            throw new RpcException(new(StatusCode.FailedPrecondition, $"Epoch {current.Epoch} is in force here, not {request.Epoch}."));
        if (current.Acceptors.Count(acceptor => membership.Current.IsReachable(acceptor.Address)) > current.Acceptors.Length / 2)
            throw new RpcException(new(StatusCode.FailedPrecondition, "A majority of the acceptors is there: change the topology in the ordinary way."));
        var reply = new W.RecoverReply();
        await RpcFailures.ServeAsync(context, lifetime, async end =>
        {
            try
            {
                if (await changes.RecoverAsync(survivors, end) is ChangeOutcome.NoQuorum lost) reply.Missing.AddRange(lost.Missing.Select(acceptor => acceptor.Address.ToString()));
            }
            catch (ArgumentException wrong)
            {
                throw new RpcException(new(StatusCode.InvalidArgument, wrong.Message));
            }
        });
        reply.Topology = TopologyText.Write(topology.Current);
        return reply;
    }

    private static W.Shard Show(ShardMembers shard, HashRing ring)
    {
        var wire = new W.Shard { Id = shard.Id.ToString(), Arcs = (uint)ring.ArcsOf(shard.Id) };
        wire.Members.AddRange(shard.Members.Select(member => member.ToString()));
        wire.Joining.AddRange(shard.Joining.Select(member => member.ToString()));
        wire.Leaving.AddRange(shard.Leaving.Select(member => member.ToString()));
        return wire;
    }

    // Callers need not be members: a node that joins is none yet.
    private async Task<TReply> AnswerAsync<TReply>(W.Sender? sender, Func<ControlRequest> request, Func<ControlReply, TReply> answer, ServerCallContext context)
        where TReply : class
    {
        var from = RpcFailures.AdmitToCluster(sender, self);
        var parsed = RpcFailures.Reading(request);
        TReply? reply = null;
        await RpcFailures.ServeAsync(context, lifetime, async _ =>
        {
            var answered = await inbound.AnswerAsync(from, parsed);
            reply = RpcFailures.Reading(() => answer(answered));
        });
        return reply!;
    }
}
