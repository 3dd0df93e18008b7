using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Node.Backup;
using Kv.Node.Membership;
using Kv.Node.Migration;
using Kv.Node.Peers;
using Kv.Node.Replication;
using Kv.Node.Requests;
using Kv.Node.Topology;

namespace Kv.Fuzz.Hosting;

/// <summary>A network on which nobody is: inputs name addresses, and none of them may be dialled.</summary>
internal class SilentTransport : IPeerTransport, IPeerRecords
{
    public virtual ValueTask<IPeerStream<Heartbeat, Heartbeat>> OpenHeartbeatAsync(NodeAddress peer, CancellationToken cancellation) => throw Nobody(peer);

    public virtual ValueTask<IPeerStream<RecordBatch, Acknowledgement>> OpenBroadcastAsync(NodeAddress peer, BroadcastOpening opening, CancellationToken cancellation) => throw Nobody(peer);

    public virtual ValueTask<IPeerStream<ForwardBatch, ForwardReplyBatch>> OpenForwardingAsync(NodeAddress peer, CancellationToken cancellation) => throw Nobody(peer);

    public virtual IAsyncEnumerable<RecordBatch> FetchAsync(NodeAddress peer, FetchRequest request, CancellationToken cancellation) => throw Nobody(peer);

    public virtual IAsyncEnumerable<TransferPiece> TransferAsync(NodeAddress peer, TransferRequest request, CancellationToken cancellation) => throw Nobody(peer);

    public virtual ValueTask<IPeerStream<BackupRequest, BackupPiece>> OpenBackupAsync(NodeAddress peer, CancellationToken cancellation) => throw Nobody(peer);

    public virtual ValueTask<bool> ProbeAsync(NodeAddress peer, NodeAddress target, CancellationToken cancellation) => throw Nobody(peer);

    public virtual ValueTask<ControlReply> CallAsync(NodeAddress peer, ControlRequest request, CancellationToken cancellation) => throw Nobody(peer);

    public ValueTask<WriteRecord?> LookUpAsync(NodeAddress peer, Key key, CancellationToken cancellation) => throw Nobody(peer);

    public void Reset(NodeAddress peer)
    {
    }

    protected static PeerUnavailableException Nobody(NodeAddress peer) => new(peer, "nobody is there");
}
