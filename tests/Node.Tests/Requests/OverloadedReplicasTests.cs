using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Topology;
using Kv.Node.Backup;
using Kv.Node.Membership;
using Kv.Node.Migration;
using Kv.Node.Peers;
using Kv.Node.Peers.Wire;
using Kv.Node.Replication;
using Kv.Node.Requests;
using Kv.Node.Signals;
using Kv.Node.Telemetry;
using Kv.Node.Topology;
using Kv.TestSupport;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kv.Node.Tests.Requests;

/// <summary>What becomes of a request whose replicas are overloaded, have no room on their disks, are slow to answer, or do not know what is asked of them.</summary>
public sealed class OverloadedReplicasTests : IAsyncDisposable
{
    private static readonly NodeAddress Self = NodeAddress.Parse("10.10.0.2:8080");
    private static readonly ShardId Shard = new(1);
    private static readonly Key Key = new("key");

    private readonly Answering _transport = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly KvMetrics _metrics = new();
    private readonly Published<MembershipView> _view = new(new(Self, []));
    private readonly ClusterTopology _topology;
    private readonly ShardMembers _shard;
    private readonly ForwardLanes _lanes;
    private readonly Forwarder _forwarder;
    private readonly Task _running;

    public OverloadedReplicasTests()
    {
        _topology = Genesis.Provisional([.. Enumerable.Range(2, 4).Select(i => NodeAddress.Parse($"10.10.0.{i}:8080"))], 1);
        var others = _topology.Members.Where(member => !member.Equals(Self)).ToList();
        _shard = _topology.Shards[0];
        var identity = new NodeIdentity(_topology.Cluster, Self, new(1));
        var published = new Published<ClusterTopology>(_topology);
        var options = new RequestOptions { LateAfter = TimeSpan.FromMilliseconds(20) };
        _lanes = new ForwardLanes(identity, published, _transport, TimeProvider.System, new Random(1), options, NullLogger<ForwardLane>.Instance);
        _forwarder = new(identity, _lanes, _view, TimeProvider.System, options, _metrics);
        _running = _lanes.RunAsync(_stop.Token);
        Assert.Equal(3, others.Count);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
        _metrics.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Of_overloaded_replicas_one_other_is_tried_and_no_more(bool isWrite)
    {
        _transport.Answer = _ => new Outcome.Overloaded();
        Assert.IsType<Outcome.Overloaded>(await ForwardAsync(isWrite));
        Assert.Equal(2, _transport.Asked.Count);
        Assert.Equal(2, _transport.Asked.Distinct().Count());
    }

    [Fact]
    public async Task One_that_is_not_overloaded_takes_it()
    {
        _transport.Answer = asked => asked == 1 ? new Outcome.Overloaded() : Stored;
        Assert.IsType<Outcome.Stored>(await ForwardAsync(isWrite: true));
    }

    [Fact]
    public async Task A_write_is_refused_for_want_of_room_only_when_no_replica_has_any()
    {
        _transport.Answer = asked => asked < 3 ? new Outcome.InsufficientStorage(Shard) : Stored;
        Assert.IsType<Outcome.Stored>(await ForwardAsync(isWrite: true));
        _transport.Asked.Clear();
        _transport.Answer = _ => new Outcome.InsufficientStorage(Shard);
        Assert.Equal(new Outcome.InsufficientStorage(Shard), await ForwardAsync(isWrite: true));
        Assert.Equal(3, _transport.Asked.Distinct().Count());
    }

    [Fact]
    public async Task One_that_answers_nothing_is_asked_last_until_it_answers()
    {
        // Seen, and ready: among those who were never heard, nobody is better than another.
        SeeAll(VersionVector.Empty);
        _transport.Answer = _ => null;
        var waits = ForwardAsync(isWrite: true);
        await Eventually.Async(() => Task.FromResult(_transport.Asked.Count == 1 && _lanes.IsLate(_transport.Asked[0])), TimeSpan.FromSeconds(10), "it is late");
        var slow = _transport.Asked[0];

        _transport.Answer = _ => new Outcome.ShardUnavailable(Shard, false);
        foreach (var isWrite in (bool[])[true, true, false, false, false]) await ForwardAsync(isWrite);
        Assert.DoesNotContain(slow, _transport.Asked.Skip(1));

        await _transport.AnswerHeldAsync(Stored);
        Assert.IsType<Outcome.Stored>(await waits);
        await ForwardAsync(isWrite: true);
        Assert.Equal(slow, _transport.Asked[^1]);
    }

    [Fact]
    public async Task Where_all_are_late_the_one_that_holds_the_client_s_past_is_asked()
    {
        SeeAll(VersionVector.Empty);
        _transport.Answer = _ => null;
        List<Task<Outcome>> waiting = [];
        for (var asked = 1; asked <= 3; asked++)
        {
            waiting.Add(ForwardAsync(isWrite: true));
            await Eventually.Async(() => Task.FromResult(_transport.Asked.Count == asked && _lanes.IsLate(_transport.Asked[^1])), TimeSpan.FromSeconds(10), $"{asked} are late");
        }

        var holder = _transport.Asked[1];
        var past = VersionVector.Of(new Dot(new(new(9), Group), 1));
        SeeAll(past, holder);
        var read = new GetCommand(Key, new(CausalToken.None with { Dependencies = past }, default));
        for (var asked = 4; asked <= 7; asked++)
        {
            waiting.Add(ForwardAsync(read));
            await Eventually.Async(() => Task.FromResult(_transport.Asked.Count == asked), TimeSpan.FromSeconds(10), "it is asked");
            Assert.Equal(holder, _transport.Asked[^1]);
        }

        _transport.Answer = _ => new Outcome.ShardUnavailable(Shard, false);
        await _transport.AnswerHeldAsync(new Outcome.ShardUnavailable(Shard, false));
        await Task.WhenAll(waiting);
    }

    [Fact]
    public async Task One_that_knows_of_no_listings_answers_for_a_key_and_the_next_one_is_asked()
    {
        var listed = new Outcome.Listed([], null, new byte[] { 1 }, default, _topology.Epoch);
        _transport.Answer = asked => asked switch
        {
            1 => new Outcome.NotOwner(_topology.Epoch),
            2 => new Outcome.Absent(new byte[] { 1 }, Shard),
            _ => listed,
        };
        Assert.Same(listed, await ForwardAsync(new ListCommand(Shard, new(default, null, null, 10, 1000, WithValues: true), PresentedToken.None)));
    }

    [Fact]
    public void Both_refusals_travel()
    {
        Outcome[] refusals = [new Outcome.Overloaded(), new Outcome.InsufficientStorage(new(7))];
        foreach (var refusal in refusals) Assert.Equal(refusal, new ForwardReply(1, refusal).ToWire().ToDomain().Outcome);
    }

    // Alive and ready, and holding what is said, or nothing.
    private void SeeAll(VersionVector held, NodeAddress? holder = null) => _view.Publish(new(Self, _topology.Members.Where(member => !member.Equals(Self)).Select(member => new PeerView(
        member, PeerState.Alive, true, new(9), _topology.Epoch, 0, member.Equals(holder) ? held : VersionVector.Empty, Group, null, false, 1, true, true, TimeSpan.Zero, 0, TimeSpan.Zero))));

    private ReplicaGroup Group => _topology.GroupOf(_shard.Id);

    private static Outcome Stored => new Outcome.Stored(false, false, new byte[] { 1 }, Shard, 1);

    private Task<Outcome> ForwardAsync(bool isWrite) =>
        ForwardAsync(isWrite ? new PutCommand(Key, "1"u8.ToArray(), PresentedToken.None, WriteConcernLevel.Default) : new GetCommand(Key, PresentedToken.None));

    private async Task<Outcome> ForwardAsync(Command command)
    {
        var deadline = Deadline.In(TimeSpan.FromSeconds(20), TimeProvider.System);
        return await _forwarder.ForwardAsync(_shard, _topology, command, new(true, deadline, deadline, _topology.Epoch));
    }

    /// <summary>Peers that answer what the test says, given how many were asked by then.</summary>
    private sealed class Answering : IPeerTransport
    {
        public List<NodeAddress> Asked { get; } = [];

        /// <summary>Null: not now.</summary>
        public Func<int, Outcome?> Answer { get; set; } = _ => new Outcome.Overloaded();

        private readonly List<(InMemoryPeerStream<ForwardReplyBatch, ForwardBatch> Stream, ulong Id)> _held = [];

        /// <summary>Answers what was not answered before.</summary>
        public async Task AnswerHeldAsync(Outcome outcome)
        {
            foreach (var (stream, id) in _held) await stream.SendAsync(new([new(id, outcome)]), CancellationToken.None);
        }

        public ValueTask<IPeerStream<ForwardBatch, ForwardReplyBatch>> OpenForwardingAsync(NodeAddress peer, CancellationToken cancellation)
        {
            var (near, far) = InMemoryPeerStream<ForwardBatch, ForwardReplyBatch>.CreatePair(Self, peer);
            _ = ServeAsync(peer, far, cancellation);
            return new(near);
        }

        public ValueTask<IPeerStream<Heartbeat, Heartbeat>> OpenHeartbeatAsync(NodeAddress peer, CancellationToken cancellation) => throw new NotSupportedException();

        public ValueTask<IPeerStream<RecordBatch, Acknowledgement>> OpenBroadcastAsync(NodeAddress peer, BroadcastOpening opening, CancellationToken cancellation) =>
            throw new NotSupportedException();

        public IAsyncEnumerable<RecordBatch> FetchAsync(NodeAddress peer, FetchRequest request, CancellationToken cancellation) => throw new NotSupportedException();

        public IAsyncEnumerable<TransferPiece> TransferAsync(NodeAddress peer, TransferRequest request, CancellationToken cancellation) => throw new NotSupportedException();

        public ValueTask<IPeerStream<BackupRequest, BackupPiece>> OpenBackupAsync(NodeAddress peer, CancellationToken cancellation) => throw new NotSupportedException();

        public ValueTask<bool> ProbeAsync(NodeAddress peer, NodeAddress target, CancellationToken cancellation) => throw new NotSupportedException();

        public ValueTask<ControlReply> CallAsync(NodeAddress peer, ControlRequest request, CancellationToken cancellation) => throw new NotSupportedException();

        public void Reset(NodeAddress peer)
        {
        }

        private async Task ServeAsync(NodeAddress peer, InMemoryPeerStream<ForwardReplyBatch, ForwardBatch> stream, CancellationToken cancellation)
        {
            try
            {
                while (await stream.ReceiveAsync(cancellation) is { } batch)
                {
                    var replies = new List<ForwardReply>();
                    foreach (var request in batch.Requests)
                    {
                        lock (Asked)
                        {
                            Asked.Add(peer);
                            if (Answer(Asked.Count) is { } outcome) replies.Add(new(request.Id, outcome));
                            else _held.Add((stream, request.Id));
                        }
                    }

                    await stream.SendAsync(new(replies), cancellation);
                }
            }
            catch (Exception ended) when (ended is OperationCanceledException or PeerUnavailableException)
            {
            }
        }
    }
}
