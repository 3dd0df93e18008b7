using Kv.Common.Identity;
using Kv.Node.Backup;
using Kv.Node.Membership;
using Kv.Node.Migration;
using Kv.Node.Peers;
using Kv.Node.Replication;
using Kv.Node.Requests;
using Kv.Node.Topology;

namespace Kv.Node.Tests.Membership;

/// <summary>
/// The network between <see cref="VirtualNode"/>s. A direction can be cut: what is sent into it vanishes without an error, and a stream that lost a
/// message stays stuck even when the cut heals, as a connection does whose retransmissions have backed off.
/// </summary>
internal sealed class VirtualNetwork(TimeProvider time)
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(1);

    private readonly Dictionary<NodeAddress, VirtualNode> _nodes = [];
    private readonly HashSet<(NodeAddress From, NodeAddress To)> _cuts = [];
    private readonly List<(NodeAddress From, NodeAddress To, InMemoryPeerStream<Heartbeat, Heartbeat> Stream)> _streams = [];

    /// <summary>How many heartbeat streams were opened so far.</summary>
    public int Opened { get; private set; }

    /// <summary>Who dropped its connections to whom because it held it dead, in order.</summary>
    public List<(NodeAddress By, NodeAddress Peer)> Resets { get; } = [];

    public IPeerTransport TransportOf(NodeAddress self) => new Transport(this, self);

    /// <summary>The node answers at its address from now on.</summary>
    public void Attach(VirtualNode node) => _nodes[node.Address] = node;

    /// <summary>Nobody answers at the address: connecting fails at once, and open streams break, as when a process was killed on a running machine.</summary>
    public void Detach(NodeAddress address)
    {
        _nodes.Remove(address);
        Break(stream => stream.From.Equals(address) || stream.To.Equals(address));
    }

    public void Cut(NodeAddress from, NodeAddress to) => _cuts.Add((from, to));

    public void CutBoth(NodeAddress one, NodeAddress other)
    {
        Cut(one, other);
        Cut(other, one);
    }

    public void Heal() => _cuts.Clear();

    private bool IsCut(NodeAddress from, NodeAddress to) => _cuts.Contains((from, to));

    private async ValueTask<VirtualNode> ConnectAsync(NodeAddress from, NodeAddress to, CancellationToken cancellation)
    {
        if (IsCut(from, to) || IsCut(to, from))
        {
            await Task.Delay(ConnectTimeout, time, cancellation);
            throw new PeerUnavailableException(to, "no answer");
        }

        return _nodes.GetValueOrDefault(to) ?? throw new PeerUnavailableException(to, "refused");
    }

    private void Break(Predicate<(NodeAddress From, NodeAddress To, InMemoryPeerStream<Heartbeat, Heartbeat> Stream)> which)
    {
        foreach (var (_, _, stream) in _streams.FindAll(which)) stream.Break();
        _streams.RemoveAll(which);
    }

    private sealed class Transport(VirtualNetwork network, NodeAddress self) : IPeerTransport
    {
        public async ValueTask<IPeerStream<Heartbeat, Heartbeat>> OpenHeartbeatAsync(NodeAddress peer, CancellationToken cancellation)
        {
            var target = await network.ConnectAsync(self, peer, cancellation);
            var (near, far) = InMemoryPeerStream<Heartbeat, Heartbeat>.CreatePair(self, peer);
            network.Opened++;
            network._streams.Add((self, peer, near));
            target.Serve(new Lossy(network, peer, self, far));
            return new Lossy(network, self, peer, near);
        }

        public ValueTask<IPeerStream<BackupRequest, BackupPiece>> OpenBackupAsync(NodeAddress peer, CancellationToken cancellation) => throw new NotSupportedException();

        public async ValueTask<bool> ProbeAsync(NodeAddress peer, NodeAddress target, CancellationToken cancellation)
        {
            var witness = await network.ConnectAsync(self, peer, cancellation);
            return await witness.Process.Start(() => Task.FromResult(witness.Membership.Hears(target))).WaitAsync(cancellation);
        }

        public void Reset(NodeAddress peer)
        {
            network.Resets.Add((self, peer));
            network.Break(stream => stream.From.Equals(self) && stream.To.Equals(peer));
        }

        public ValueTask<IPeerStream<RecordBatch, Acknowledgement>> OpenBroadcastAsync(NodeAddress peer, BroadcastOpening opening, CancellationToken cancellation) =>
            throw new NotSupportedException();

        public ValueTask<IPeerStream<ForwardBatch, ForwardReplyBatch>> OpenForwardingAsync(NodeAddress peer, CancellationToken cancellation) =>
            throw new NotSupportedException();

        public IAsyncEnumerable<RecordBatch> FetchAsync(NodeAddress peer, FetchRequest request, CancellationToken cancellation) =>
            throw new NotSupportedException();

        public IAsyncEnumerable<TransferPiece> TransferAsync(NodeAddress peer, TransferRequest request, CancellationToken cancellation) =>
            throw new NotSupportedException();

        public ValueTask<ControlReply> CallAsync(NodeAddress peer, ControlRequest request, CancellationToken cancellation) =>
            throw new NotSupportedException();
    }

    private sealed class Lossy(VirtualNetwork network, NodeAddress from, NodeAddress to, InMemoryPeerStream<Heartbeat, Heartbeat> inner)
        : IPeerStream<Heartbeat, Heartbeat>
    {
        private bool _stuck;

        public ValueTask SendAsync(Heartbeat message, CancellationToken cancellation)
        {
            _stuck |= network.IsCut(from, to);
            return _stuck ? ValueTask.CompletedTask : inner.SendAsync(message, cancellation);
        }

        public ValueTask<Heartbeat?> ReceiveAsync(CancellationToken cancellation) => inner.ReceiveAsync(cancellation);

        public ValueTask DisposeAsync() => network.IsCut(from, to) ? ValueTask.CompletedTask : inner.DisposeAsync();
    }
}
