using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Topology;
using Kv.Node.Backup;
using Kv.Node.Membership;
using Kv.Node.Migration;
using Kv.Node.Peers;
using Kv.Node.Replica;
using Kv.Node.Replication;
using Kv.Node.Requests;
using Kv.Node.Signals;
using Kv.Node.Storage;
using Kv.Node.Topology;
using Microsoft.Extensions.DependencyInjection;

namespace Kv.Simulation.Mutants;

/// <summary>A storage engine that passes everything on; mutants override what they do wrong.</summary>
internal class StorageWrapper(IStorageEngine inner) : IStorageEngine
{
    public virtual ReplicaCheckpoint Checkpoint => inner.Checkpoint;

    public virtual StorageRoom Room => inner.Room;

    public virtual long LogBytes => inner.LogBytes;

    public Published<StorageHealth> Health => inner.Health;

    protected IStorageEngine Inner => inner;

    public virtual WriteRecord? Read(Key key) => inner.Read(key);

    public virtual ValueTask CommitAsync(StorageBatch batch) => inner.CommitAsync(batch);

    public virtual LogSlice? ReadLog(Origin origin, ulong after, ulong through, int maxRecords, int maxBytes) => inner.ReadLog(origin, after, through, maxRecords, maxBytes);

    public virtual IReadOnlyDictionary<int, ArcSummary>? ReadArcs() => inner.ReadArcs();

    public virtual ValueTask TrimLogAsync(VersionVector upTo) => inner.TrimLogAsync(upTo);

    public virtual IEnumerable<WriteRecord> Scan(RingRange range) => inner.Scan(range);

    public virtual IEnumerable<WriteRecord> ScanAfter(Key key) => inner.ScanAfter(key);

    public virtual IStorageSnapshot TakeSnapshot() => inner.TakeSnapshot();

    public virtual byte[]? ReadMeta(string name) => inner.ReadMeta(name);

    public virtual ValueTask WriteMetaAsync(string name, ReadOnlyMemory<byte> value) => inner.WriteMetaAsync(name, value);

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}

/// <summary>The same for transports.</summary>
internal class TransportWrapper(IPeerTransport inner) : IPeerTransport
{
    public virtual ValueTask<IPeerStream<Heartbeat, Heartbeat>> OpenHeartbeatAsync(NodeAddress peer, CancellationToken cancellation) =>
        inner.OpenHeartbeatAsync(peer, cancellation);

    public virtual ValueTask<IPeerStream<RecordBatch, Acknowledgement>> OpenBroadcastAsync(NodeAddress peer, BroadcastOpening opening, CancellationToken cancellation) =>
        inner.OpenBroadcastAsync(peer, opening, cancellation);

    public virtual ValueTask<IPeerStream<ForwardBatch, ForwardReplyBatch>> OpenForwardingAsync(NodeAddress peer, CancellationToken cancellation) =>
        inner.OpenForwardingAsync(peer, cancellation);

    public virtual IAsyncEnumerable<RecordBatch> FetchAsync(NodeAddress peer, FetchRequest request, CancellationToken cancellation) =>
        inner.FetchAsync(peer, request, cancellation);

    public virtual IAsyncEnumerable<TransferPiece> TransferAsync(NodeAddress peer, TransferRequest request, CancellationToken cancellation) =>
        inner.TransferAsync(peer, request, cancellation);

    public virtual ValueTask<IPeerStream<BackupRequest, BackupPiece>> OpenBackupAsync(NodeAddress peer, CancellationToken cancellation) =>
        inner.OpenBackupAsync(peer, cancellation);

    public virtual ValueTask<bool> ProbeAsync(NodeAddress peer, NodeAddress target, CancellationToken cancellation) => inner.ProbeAsync(peer, target, cancellation);

    public virtual ValueTask<ControlReply> CallAsync(NodeAddress peer, ControlRequest request, CancellationToken cancellation) =>
        inner.CallAsync(peer, request, cancellation);

    public virtual void Reset(NodeAddress peer) => inner.Reset(peer);
}

/// <summary>The same for what is told of acknowledgements.</summary>
internal sealed class DurabilityWrapper(IServiceProvider services, Action<IDurabilityObserver, NodeAddress, Incarnation, VersionVector> acknowledged) : IDurabilityObserver
{
    private IDurabilityObserver Real => services.GetRequiredService<WriteConcern>();

    public void Acknowledged(NodeAddress peer, Incarnation incarnation, VersionVector vector) => acknowledged(Real, peer, incarnation, vector);

    public void Lost(NodeAddress peer) => Real.Lost(peer);
}

/// <summary>The same for heartbeats.</summary>
internal sealed class HeartbeatWrapper(Func<HeartbeatSource> real, Func<Heartbeat, Heartbeat> change) : IHeartbeatSource
{
    public Heartbeat Next() => change(real().Next());
}

/// <summary>The same for streams; a message may become several or none.</summary>
internal class StreamWrapper<TSend, TReceive>(
    IPeerStream<TSend, TReceive> inner, Func<TSend, IEnumerable<TSend>>? send = null, Func<TReceive, ValueTask<TReceive?>>? receive = null) : IPeerStream<TSend, TReceive>
    where TReceive : class
{
    public async ValueTask SendAsync(TSend message, CancellationToken cancellation)
    {
        foreach (var sent in send?.Invoke(message) ?? [message]) await inner.SendAsync(sent, cancellation);
    }

    public async ValueTask<TReceive?> ReceiveAsync(CancellationToken cancellation)
    {
        while (await inner.ReceiveAsync(cancellation) is { } message)
        {
            if (receive is null) return message;
            if (await receive(message) is { } received) return received;
        }

        return null;
    }

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
