using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Replication;
using Kv.Common.Time;
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
using Kv.Node.Storage.InMemory;
using Kv.Node.Telemetry;
using Kv.Node.Tests.VirtualTime;
using Kv.Node.Topology;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kv.Node.Tests.Replication;

/// <summary>The replica of Anna as it runs in production, and what the test makes of Ben, whom she hears and who has written once.</summary>
internal sealed class TwoReplicas : IDisposable
{
    public static readonly NodeAddress Anna = NodeAddress.Parse("10.10.0.2:8080");
    public static readonly NodeAddress Ben = NodeAddress.Parse("10.10.0.3:8080");

    private static readonly ReplicaGroup Group = new(0, new(0));
    private static readonly Dot FirstOfBen = new(new(new(2), Group), 1);

    public TwoReplicas(VirtualClock clock, ReplicaOptions? options = null)
    {
        var topology = Genesis.Provisional([Anna, Ben], 1);
        Topology = new(topology);
        Tokens = new("secret"u8, topology.Cluster);
        View = new(new(Anna, [new(Ben, PeerState.Alive, true, FirstOfBen.Origin.Incarnation, topology.Epoch, 0, OfBen, Group, null, false, 1, true, true, TimeSpan.Zero, 0, TimeSpan.Zero)]));
        Self = new(topology.Cluster, Anna, new Incarnation(1));
        var storage = new InMemoryStorage(Disk);
        _ = storage.CommitAsync(new([], new Dictionary<Key, WriteRecord>(), ReplicaCheckpoint.Empty with { Place = Group })).AsTask();
        Replica = new(Self, Topology, storage, Tokens, clock.Time, options ?? new(), Metrics, NullLogger<ReplicaState>.Instance);
    }

    public static VersionVector OfBen { get; } = VersionVector.Of([FirstOfBen]);

    public NodeIdentity Self { get; }

    public Published<ClusterTopology> Topology { get; }

    public Published<MembershipView> View { get; }

    public CausalTokenCodec Tokens { get; }

    public InMemoryDisk Disk { get; } = new();

    public ReplicaState Replica { get; }

    public KvMetrics Metrics { get; } = new();

    public ScriptedTransport Transport { get; } = new();

    /// <summary>The write that Ben has and Anna has not.</summary>
    public WriteRecord WriteOfBen()
    {
        var stamp = HybridTimestamp.At(1);
        var token = new CausalToken(Topology.Current.Epoch, stamp, OfBen);
        return new(new Key("key"), "1"u8.ToArray(), false, stamp, FirstOfBen, Tokens.Seal(token));
    }

    public CatchUp NewCatchUp(TimeProvider time) =>
        new(Self, Topology, View, Replica, Transport, time, new(), Metrics, new RecordingLogger<CatchUp>([]));

    /// <summary>As it is while Anna hears nobody.</summary>
    public ServingFloor NewLonelyFloor(TimeProvider time) =>
        new(Self, Topology, new(new(Anna, [])), Replica, NewCatchUp(time), time, new());

    /// <summary>As it is while Anna hears whom <see cref="View"/> says.</summary>
    public ServingFloor NewFloor(TimeProvider time) => new(Self, Topology, View, Replica, NewCatchUp(time), time, new());

    public void Dispose() => Metrics.Dispose();

    /// <summary>What comes of each call is up to the test.</summary>
    internal sealed class ScriptedTransport : IPeerTransport
    {
        public Func<IPeerStream<RecordBatch, Acknowledgement>>? OpenBroadcast { get; set; }

        public Func<FetchRequest, CancellationToken, IAsyncEnumerable<RecordBatch>>? Fetch { get; set; }

        public Func<NodeAddress, TransferRequest, CancellationToken, IAsyncEnumerable<TransferPiece>>? Transfer { get; set; }

        /// <summary>Null where nobody is there.</summary>
        public Func<NodeAddress, ControlRequest, Task<ControlReply>?>? Call { get; set; }

        /// <summary>Whether the first one says that it hears the second.</summary>
        public Func<NodeAddress, NodeAddress, bool>? Probe { get; set; }

        public ValueTask<IPeerStream<Heartbeat, Heartbeat>> OpenHeartbeatAsync(NodeAddress peer, CancellationToken cancellation) => throw new NotSupportedException();

        public ValueTask<IPeerStream<RecordBatch, Acknowledgement>> OpenBroadcastAsync(NodeAddress peer, BroadcastOpening opening, CancellationToken cancellation) =>
            new(OpenBroadcast!());

        /// <summary>The peer never accepts it.</summary>
        public async ValueTask<IPeerStream<ForwardBatch, ForwardReplyBatch>> OpenForwardingAsync(NodeAddress peer, CancellationToken cancellation)
        {
            await Task.Delay(Timeout.Infinite, cancellation);
            throw new System.Diagnostics.UnreachableException();
        }

        public IAsyncEnumerable<RecordBatch> FetchAsync(NodeAddress peer, FetchRequest request, CancellationToken cancellation) => Fetch!(request, cancellation);

        public IAsyncEnumerable<TransferPiece> TransferAsync(NodeAddress peer, TransferRequest request, CancellationToken cancellation) =>
            Transfer!(peer, request, cancellation);

        public ValueTask<IPeerStream<BackupRequest, BackupPiece>> OpenBackupAsync(NodeAddress peer, CancellationToken cancellation) => throw new NotSupportedException();

        public ValueTask<bool> ProbeAsync(NodeAddress peer, NodeAddress target, CancellationToken cancellation) => new(Probe!(peer, target));

        public ValueTask<ControlReply> CallAsync(NodeAddress peer, ControlRequest request, CancellationToken cancellation) =>
            new(Call?.Invoke(peer, request) ?? throw new PeerUnavailableException(peer, "is not there"));

        public void Reset(NodeAddress peer)
        {
        }
    }
}
