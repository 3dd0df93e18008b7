using System.Runtime.CompilerServices;
using Kv.Common.Identity;
using Kv.Node.Backup;
using Kv.Node.Membership;
using Kv.Node.Migration;
using Kv.Node.Peers.Wire;
using Kv.Node.Replication;
using Kv.Node.Requests;
using Kv.Node.Topology;
using W = Kv.Wire;

namespace Kv.Node.Peers;

/// <summary>The production transport: protobuf over gRPC. Each broadcast and forwarding stream opens with a message that only introduces this node.</summary>
internal sealed class GrpcPeerTransport(NodeIdentity self, PeerChannels channels) : IPeerTransport
{
    public ValueTask<IPeerStream<Heartbeat, Heartbeat>> OpenHeartbeatAsync(NodeAddress peer, CancellationToken cancellation) => GuardAsync(peer, () =>
    {
        var call = new W.Membership.MembershipClient(channels.To(peer, PeerTraffic.Heartbeats)).Exchange(cancellationToken: cancellation);
        var codec = new HeartbeatCodec();
        return ValueTask.FromResult<IPeerStream<Heartbeat, Heartbeat>>(new GrpcPeerStream<Heartbeat, Heartbeat, W.Heartbeat, W.Heartbeat>(
            peer, call.RequestStream, call.ResponseStream, codec.ToWire, codec.ToDomain, call));
    }, cancellation);

    public ValueTask<IPeerStream<RecordBatch, Acknowledgement>> OpenBroadcastAsync(NodeAddress peer, BroadcastOpening opening, CancellationToken cancellation) => GuardAsync(peer, async () =>
    {
        var call = new W.Replication.ReplicationClient(channels.To(peer, PeerTraffic.Broadcast)).Broadcast(cancellationToken: cancellation);
        await call.RequestStream.WriteAsync(opening.ToWire(self), cancellation);
        return (IPeerStream<RecordBatch, Acknowledgement>)new GrpcPeerStream<RecordBatch, Acknowledgement, W.RecordBatch, W.Acknowledgement>(
            peer, call.RequestStream, call.ResponseStream, WireReplication.ToWire, WireReplication.ToDomain, call);
    }, cancellation);

    public ValueTask<IPeerStream<ForwardBatch, ForwardReplyBatch>> OpenForwardingAsync(NodeAddress peer, CancellationToken cancellation) => GuardAsync(peer, async () =>
    {
        var call = new W.Forwarding.ForwardingClient(channels.To(peer, PeerTraffic.Forwarding)).Exchange(cancellationToken: cancellation);
        await call.RequestStream.WriteAsync(new W.ForwardBatch { Sender = self.ToWire() }, cancellation);
        return (IPeerStream<ForwardBatch, ForwardReplyBatch>)new GrpcPeerStream<ForwardBatch, ForwardReplyBatch, W.ForwardBatch, W.ForwardReplyBatch>(
            peer, call.RequestStream, call.ResponseStream, WireForwarding.ToWire, WireForwarding.ToDomain, call);
    }, cancellation);

    public async IAsyncEnumerable<RecordBatch> FetchAsync(
        NodeAddress peer, FetchRequest request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var call = await GuardAsync(
            peer,
            () => ValueTask.FromResult(new W.Replication.ReplicationClient(channels.To(peer, PeerTraffic.Broadcast)).Fetch(request.ToWire(self), cancellationToken: cancellation)),
            cancellation);
        await using var stream = new GrpcPeerStream<RecordBatch, RecordBatch, W.RecordBatch, W.RecordBatch>(
            peer, null!, call.ResponseStream, WireReplication.ToWire, WireReplication.ToDomain, null);
        while (await stream.ReceiveAsync(cancellation) is { } batch) yield return batch;
    }

    public async IAsyncEnumerable<TransferPiece> TransferAsync(
        NodeAddress peer, TransferRequest request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var call = await GuardAsync(
            peer,
            () => ValueTask.FromResult(new W.Migration.MigrationClient(channels.To(peer, PeerTraffic.Transfers)).Transfer(request.ToWire(self), cancellationToken: cancellation)),
            cancellation);
        await using var stream = new GrpcPeerStream<TransferPiece, TransferPiece, W.TransferPiece, W.TransferPiece>(
            peer, null!, call.ResponseStream, WireMigration.ToWire, WireMigration.ToDomain, null);
        while (await stream.ReceiveAsync(cancellation) is { } piece) yield return piece;
    }

    public ValueTask<IPeerStream<BackupRequest, BackupPiece>> OpenBackupAsync(NodeAddress peer, CancellationToken cancellation) => GuardAsync(peer, () =>
    {
        var call = new W.Backup.BackupClient(channels.To(peer, PeerTraffic.Transfers)).Collect(cancellationToken: cancellation);
        return ValueTask.FromResult<IPeerStream<BackupRequest, BackupPiece>>(new GrpcPeerStream<BackupRequest, BackupPiece, W.BackupRequest, W.BackupPiece>(
            peer, call.RequestStream, call.ResponseStream, request => request.ToWire(self), WireBackup.ToDomain, call));
    }, cancellation);

    public ValueTask<bool> ProbeAsync(NodeAddress peer, NodeAddress target, CancellationToken cancellation) => GuardAsync(peer, async () =>
    {
        var request = new W.ProbeRequest { Sender = self.ToWire(), Target = target.ToString() };
        var reply = await new W.Membership.MembershipClient(channels.To(peer, PeerTraffic.Heartbeats))
            .ProbeAsync(request, deadline: null, cancellationToken: cancellation);
        return reply.Reachable;
    }, cancellation);

    public ValueTask<ControlReply> CallAsync(NodeAddress peer, ControlRequest request, CancellationToken cancellation) => GuardAsync(peer, async () =>
    {
        var client = new W.ControlPlane.ControlPlaneClient(channels.To(peer, PeerTraffic.Heartbeats));
        return request switch
        {
            ControlRequest.Prepare prepare => (await client.PrepareAsync(prepare.ToWire(self), cancellationToken: cancellation)).ToDomain(),
            ControlRequest.Accept accept => (await client.AcceptAsync(accept.ToWire(self), cancellationToken: cancellation)).ToDomain(),
            ControlRequest.Learn learn => (await client.LearnAsync(learn.ToWire(self), cancellationToken: cancellation)).ToDomain(),
            ControlRequest.Read => (await client.ReadAsync(new W.ReadRequest { Sender = self.ToWire() }, cancellationToken: cancellation)).ToDomain(),
            ControlRequest.Hello => (await client.HelloAsync(new W.HelloRequest { Sender = self.ToWire() }, cancellationToken: cancellation)).ToDomain(),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }, cancellation);

    public void Reset(NodeAddress peer) => channels.Reset(peer);

    private static async ValueTask<T> GuardAsync<T>(NodeAddress peer, Func<ValueTask<T>> open, CancellationToken cancellation)
    {
        try
        {
            return await open();
        }
        catch (Exception broken) when (GrpcFailures.IsBroken(broken))
        {
            throw GrpcFailures.Translate(peer, broken, cancellation);
        }
    }
}
