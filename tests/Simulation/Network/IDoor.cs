using Kv.Common.Identity;
using Kv.Node.Membership;
using Kv.Node.Migration;
using Kv.Node.Peers;
using Kv.Node.Replication;
using Kv.Node.Requests;
using Kv.Node.Topology;

namespace Kv.Simulation.Network;

/// <summary>What a node does with calls from others: the gRPC door's part. Each call runs in the node's own process.</summary>
internal interface IDoor
{
    Task ServeHeartbeatsAsync(IPeerStream<Heartbeat, Heartbeat> stream, CancellationToken cancellation);

    Task ServeBroadcastAsync(NodeIdentity from, BroadcastOpening opening, IPeerStream<Acknowledgement, RecordBatch> stream, CancellationToken cancellation);

    Task ServeForwardingAsync(NodeIdentity from, IPeerStream<ForwardReplyBatch, ForwardBatch> stream, CancellationToken cancellation);

    Task ServeFetchAsync(NodeIdentity from, IPeerStream<RecordBatch, FetchRequest> stream, CancellationToken cancellation);

    Task ServeTransferAsync(NodeIdentity from, IPeerStream<TransferPiece, TransferRequest> stream, CancellationToken cancellation);

    ValueTask<ControlReply> AnswerAsync(NodeIdentity from, ControlRequest request);

    bool Hears(NodeIdentity from, NodeAddress target);

    /// <summary>Serving failed in a way that nothing expects: a bug.</summary>
    void Failed(Exception bug);
}
