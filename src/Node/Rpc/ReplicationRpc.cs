using System.Buffers.Text;
using System.Text;
using Grpc.Core;
using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Peers;
using Kv.Node.Peers.Wire;
using Kv.Node.Replica;
using Kv.Node.Replication;
using Kv.Node.Signals;
using W = Kv.Wire;

namespace Kv.Node.Rpc;

/// <summary>The gRPC door of causal broadcast, catching up, and looking at what this node holds.</summary>
internal sealed class ReplicationRpc(
    NodeIdentity self, Published<ClusterTopology> topology, InboundReplication inbound, ReplicaState replica, Stability stability, IHostApplicationLifetime lifetime)
    : W.Replication.ReplicationBase
{
    public override Task Broadcast(IAsyncStreamReader<W.RecordBatch> requests, IServerStreamWriter<W.Acknowledgement> responses, ServerCallContext context) =>
        RpcFailures.ServeAsync(context, lifetime, async end =>
        {
            if (!await requests.MoveNext(end)) return;
            var peer = RpcFailures.Admit(requests.Current.Sender, self, topology.Current);
            var opening = requests.Current.ToOpening();
            var stream = new GrpcPeerStream<Acknowledgement, RecordBatch, W.Acknowledgement, W.RecordBatch>(
                peer.Address, responses, requests, acknowledgement => acknowledgement.ToWire(self), WireReplication.ToDomain, null);
            await inbound.ServeAsync(peer, opening, stream, end);
        });

    public override Task Fetch(W.FetchRequest request, IServerStreamWriter<W.RecordBatch> responses, ServerCallContext context) =>
        RpcFailures.ServeAsync(context, lifetime, async end =>
        {
            RpcFailures.Admit(request.Sender, self, topology.Current);
            foreach (var batch in inbound.Fetch(request.ToDomain())) await responses.WriteAsync(batch.ToWire(), end);
        });

    public override Task<W.GetVectorReply> GetVector(W.GetVectorRequest request, ServerCallContext context)
    {
        var snapshot = replica.Snapshot.Current;
        var reply = new W.GetVectorReply
        {
            Address = self.Address.ToString(),
            Incarnation = self.Incarnation.ToString(),
            Shard = replica.Place.Shard?.Id.ToString() ?? "",
            Vector = snapshot.Vector.ToWire(),
            Stable = stability.Stable.Vector.ToWire(),
            Clock = snapshot.Clock.ToString(),
            KeyCount = (ulong)snapshot.LiveKeys,
            Place = snapshot.Place?.ToString() ?? "",
        };
        reply.Former.AddRange(snapshot.Former.Select(former => former.Group.ToString()));
        return Task.FromResult(reply);
    }

    public override Task<W.GetRecordReply> GetRecord(W.GetRecordRequest request, ServerCallContext context)
    {
        if (request.Key.Length == 0) throw new RpcException(new(StatusCode.InvalidArgument, "A key is needed."));
        var key = new Key(request.Key);
        if (request.AsStored) return Task.FromResult(replica.Read(key) is { } stored ? new W.GetRecordReply { Found = true, Record = stored.ToWire() } : new());
        var reply = new W.GetRecordReply { Key = request.Key, RingPosition = key.Position, Shard = topology.Current.ShardOf(key).Id.ToString() };
        if (replica.Read(key) is not { } record) return Task.FromResult(reply);

        reply.Found = true;
        reply.Tombstone = record.IsTombstone;
        reply.ValueJson = Encoding.UTF8.GetString(record.Value.Span);
        reply.Dot = record.Dot.ToString();
        reply.Stamp = record.Stamp.ToString();
        reply.Epoch = record.OpenedToken.Epoch.Value;
        reply.Token = Base64Url.EncodeToString(record.Token.Span);
        // The write's own dot travels in its token, but it does not depend on itself.
        foreach (var dots in record.OpenedToken.Dependencies.Where(dot => dot != record.Dot).GroupBy(dot => dot.Origin.Group))
        {
            var dependencies = new W.GroupDependencies { Group = dots.Key.ToString() };
            dependencies.Dots.AddRange(dots.Select(dot => dot.ToString()));
            reply.Dependencies.Add(dependencies);
        }

        return Task.FromResult(reply);
    }
}
