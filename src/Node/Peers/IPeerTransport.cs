using Kv.Common.Identity;
using Kv.Node.Backup;
using Kv.Node.Membership;
using Kv.Node.Migration;
using Kv.Node.Replication;
using Kv.Node.Requests;
using Kv.Node.Topology;

namespace Kv.Node.Peers;

/// <summary>
/// The one door out: streams and calls to other nodes. Opening a stream introduces this node and connects if need be; it fails with
/// <see cref="PeerUnavailableException"/> when the peer does not answer within the transport's connect timeout. Heartbeats, broadcast and
/// forwarding never share a connection, so none queues behind another.
/// </summary>
internal interface IPeerTransport
{
    ValueTask<IPeerStream<Heartbeat, Heartbeat>> OpenHeartbeatAsync(NodeAddress peer, CancellationToken cancellation);

    ValueTask<IPeerStream<RecordBatch, Acknowledgement>> OpenBroadcastAsync(NodeAddress peer, BroadcastOpening opening, CancellationToken cancellation);

    ValueTask<IPeerStream<ForwardBatch, ForwardReplyBatch>> OpenForwardingAsync(NodeAddress peer, CancellationToken cancellation);

    /// <summary>Asks <paramref name="peer"/> for log entries; see <see cref="FetchRequest"/>.</summary>
    IAsyncEnumerable<RecordBatch> FetchAsync(NodeAddress peer, FetchRequest request, CancellationToken cancellation);

    /// <summary>Asks <paramref name="peer"/> for the records in some ranges; see <see cref="TransferRequest"/>.</summary>
    IAsyncEnumerable<TransferPiece> TransferAsync(NodeAddress peer, TransferRequest request, CancellationToken cancellation);

    /// <summary>Opens the conversation about a shard's part of a backup; see <see cref="BackupRequest"/>.</summary>
    ValueTask<IPeerStream<BackupRequest, BackupPiece>> OpenBackupAsync(NodeAddress peer, CancellationToken cancellation);

    /// <summary>Asks <paramref name="peer"/> whether it hears <paramref name="target"/>.</summary>
    ValueTask<bool> ProbeAsync(NodeAddress peer, NodeAddress target, CancellationToken cancellation);

    /// <summary>Asks <paramref name="peer"/> something about the topology; over the connection of the heartbeats, so that it does not queue behind data.</summary>
    ValueTask<ControlReply> CallAsync(NodeAddress peer, ControlRequest request, CancellationToken cancellation);

    /// <summary>Drops whatever connections to a peer are open, because it is held unreachable: their streams end now instead of at a TCP timeout.</summary>
    void Reset(NodeAddress peer);
}
