using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Replication;
using Kv.Common.Topology;
using Kv.Node.Migration;
using Kv.Node.Peers;
using Kv.Node.Replica;
using Kv.Node.Signals;
using Kv.Node.Storage.InMemory;
using Kv.Node.Telemetry;
using Kv.Node.Tests.Replication;
using Kv.Node.Tests.VirtualTime;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kv.Node.Tests.Migration;

/// <summary>Node 3 joins the one shard of nodes 1 and 2, whose replicas are as in production; between them are calls that may be spoilt.</summary>
public sealed class FillingTests : IDisposable
{
    private static readonly NodeAddress[] Nodes = [.. Enumerable.Range(1, 3).Select(i => NodeAddress.Parse($"10.10.0.{i}:8080"))];
    private static readonly ReplicaGroup Group = new(0, new(0));
    private static readonly ClusterTopology Members = Of([Nodes[0], Nodes[1]], [], 5);
    private static readonly ClusterTopology Joining = Of([Nodes[0], Nodes[1]], [Nodes[2]], 6);

    private readonly VirtualClock _clock = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly KvMetrics _metrics = new();
    private readonly Published<ClusterTopology> _topology = new(Members);
    private readonly Published<MembershipView> _view = new(new(Nodes[2], []));
    private readonly TwoReplicas.ScriptedTransport _transport = new();
    private readonly MigrationOptions _options = new() { ArcsPerPart = 256 };
    private readonly CausalTokenCodec _tokens = new([], Members.Cluster);
    private readonly List<(NodeAddress Donor, TransferRequest Request)> _asked = [];
    private readonly List<ReplicaState> _replicas = [];
    private readonly FillProgress _progress = new();

    public FillingTests()
    {
        for (var node = 0; node < 3; node++)
        {
            var replica = new ReplicaState(Identity(node), _topology, new InMemoryStorage(new()), _tokens, _clock.Time, new(), _metrics, NullLogger<ReplicaState>.Instance);
            _replicas.Add(replica);
            _ = _clock.NewProcess().Start(() => replica.RunAsync(_stop.Token));
        }

        _clock.Settle();
        foreach (var donor in _replicas.Take(2)) _ = _clock.NewProcess().Start(() => donor.MarkCompleteAsync(Group).AsTask());
        for (var i = 0; i < 600; i++) Write(0, $"key{i}");
        Deliver(0, 1, 0);
        _transport.Transfer = (peer, request, cancellation) =>
        {
            _asked.Add((peer, request));
            return SenderOf(peer).SendAsync(request, cancellation);
        };
    }

    public void Dispose()
    {
        _stop.Cancel();
        _clock.Settle();
        _metrics.Dispose();
    }

    [Fact]
    public void One_who_joins_is_filled_while_the_donors_take_writes()
    {
        Begin();
        var written = 600ul;
        _clock.AdvanceUntil(
            () =>
            {
                Write(0, $"key{written}");
                // By broadcast, from where a donor told its cut.
                if (_replicas[2].Snapshot.Current.Fill is { } fill && fill.Sources[0].Cut is not null) Deliver(0, 2, fill.Sources[0].Vector[OriginOf(0)]);
                else if (_replicas[2].Snapshot.Current.Place is not null) Deliver(0, 2, _replicas[2].Snapshot.Current.Vector[OriginOf(0)]);
                return ++written > 700 && _replicas[2].Snapshot.Current.Place == Group;
            },
            TimeSpan.FromSeconds(10));
        Deliver(0, 2, _replicas[2].Snapshot.Current.Vector[OriginOf(0)]);
        CheckFilled();
        Assert.Equal(16, _asked.Count);
    }

    [Fact]
    public void What_only_a_dead_origin_could_broadcast_is_pulled_again_although_others_write_all_the_while()
    {
        // Node 2 writes once and dies; node 1, the donor, has it just after its scan, and says so in its beat.
        Write(1, "last");
        Begin();
        ViewOf(_replicas[0].Snapshot.Current.Vector.With(new(OriginOf(1), 1)), 0);
        _clock.Settle();
        Deliver(1, 0, 0);
        var written = 600;
        _clock.AdvanceUntil(
            () =>
            {
                Write(0, $"key{written++}");
                if (_replicas[2].Snapshot.Current.Fill is { } fill) Deliver(0, 2, fill.Sources[0].Vector[OriginOf(0)]);
                return _replicas[2].Snapshot.Current.Place == Group;
            },
            TimeSpan.FromSeconds(30));
        Deliver(0, 2, _replicas[2].Snapshot.Current.Vector[OriginOf(0)]);
        CheckFilled();
    }

    [Fact]
    public void A_transfer_that_breaks_off_goes_on_with_another_donor_where_it_was()
    {
        var whole = _transport.Transfer!;
        _transport.Transfer = (peer, request, cancellation) => _asked.Count == 1 ? BreakAfter(2, peer, whole(peer, request, cancellation)) : whole(peer, request, cancellation);
        Begin();
        _clock.AdvanceUntil(() => _replicas[2].Snapshot.Current.Place == Group, TimeSpan.FromSeconds(10));
        CheckFilled();
        Assert.Equal(17, _asked.Count);
        // The first part was whole; the second one is asked for again, the others are not.
        Assert.Equal(_asked[1].Request.Ranges, _asked[2].Request.Ranges.AsEnumerable());
        Assert.Equal(16, _asked.Select(asked => asked.Request.Ranges[0]).Distinct().Count());
    }

    [Fact]
    public void The_next_donor_must_hold_the_cut_of_one_that_broke_off()
    {
        // Only node 1 holds this one, and what it told before it broke off is taken for held: whoever comes next must wait until it holds it as well.
        Write(0, "late");
        var held = _replicas[0].Snapshot.Current.Vector;
        var whole = _transport.Transfer!;
        _transport.Transfer = (peer, request, cancellation) => whole(Nodes[_asked.Count == 0 ? 0 : 1], request, cancellation);
        Begin();
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.All(_asked.Skip(1), asked => Assert.Equal(held, asked.Request.Have));
        Assert.Null(_replicas[2].Snapshot.Current.Place);
        Deliver(0, 1, 600);
        _clock.AdvanceUntil(() => _replicas[2].Snapshot.Current.Place == Group, TimeSpan.FromSeconds(10));
        Assert.NotNull(_replicas[2].Read(new Key("late")));
        CheckFilled();
    }

    [Fact]
    public void One_that_by_its_beat_would_refuse_is_not_asked_while_another_can_give()
    {
        _options.ArcsPerPart = 128;
        Write(0, "late");
        var told = false;
        var whole = _transport.Transfer!;
        // Whoever is asked first, node 1 tells its cut, which node 2 never comes to hold.
        _transport.Transfer = (peer, request, cancellation) => whole(told ? peer : Nodes[0], request, cancellation);
        Begin();
        _clock.AdvanceUntil(() => (told = _asked.Count > 0) && _replicas[2].Snapshot.Current.Place == Group, TimeSpan.FromSeconds(10));
        CheckFilled();
        Assert.Equal(32, _asked.Count);
        Assert.All(_asked.Skip(1), asked => Assert.Equal(Nodes[0], asked.Donor));
    }

    [Fact]
    public void What_does_not_match_its_digest_is_asked_for_again()
    {
        var whole = _transport.Transfer!;
        _transport.Transfer = (peer, request, cancellation) => _asked.Count == 2 ? LoseOneAsync(whole(peer, request, cancellation)) : whole(peer, request, cancellation);
        Begin();
        _clock.AdvanceUntil(() => _replicas[2].Snapshot.Current.Place == Group, TimeSpan.FromSeconds(10));
        CheckFilled();
        Assert.Equal(17, _asked.Count);
        Assert.Equal(_asked[2].Request.Ranges, _asked[3].Request.Ranges.AsEnumerable());
    }

    [Fact]
    public async Task A_donor_refuses_what_it_does_not_hold_whole()
    {
        _topology.Publish(Joining);
        _clock.Settle();
        var request = new TransferRequest(Joining.Epoch, Group, VersionVector.Empty, [RingRange.Whole]);
        await RefusedAsync(2, request);
        await RefusedAsync(0, request with { Source = new(0, new(1)) });
        // It never comes to know these.
        await RefusedAsync(0, request with { Have = VersionVector.Of(new Dot(OriginOf(1), 99)) });
        await RefusedAsync(0, request with { Epoch = Joining.Epoch.Next });

        async Task RefusedAsync(int donor, TransferRequest asked)
        {
            var sending = _clock.NewProcess().Start(async () =>
            {
                await foreach (var piece in SenderOf(Nodes[donor]).SendAsync(asked, CancellationToken.None)) Assert.Fail($"{piece}");
            });
            _clock.Advance(_options.AnswerTimeout);
            await Assert.ThrowsAsync<TransferRefusedException>(() => sending);
        }
    }

    [Fact]
    public void What_a_donor_has_is_asked_for_page_by_page_that_grow_while_the_link_carries_them_at_once()
    {
        _options.ArcsPerPart = 4096;
        WriteLong(100);
        Begin();
        _clock.AdvanceUntil(() => _replicas[2].Snapshot.Current.Place == Group, TimeSpan.FromSeconds(10));
        CheckFilled();
        Assert.Equal([LinkPace.Least, 2 * LinkPace.Least, 4 * LinkPace.Least, 8 * LinkPace.Least], _asked.Take(4).Select(asked => asked.Request.MaxBytes));
        Assert.All(_asked, asked => Assert.Equal(_asked[0].Donor, asked.Donor));
        // Each begins where the one before it ended, and as of the same cut.
        Assert.Equal(_asked.Select(asked => asked.Request.Ranges[0].First).Order(), _asked.Select(asked => asked.Request.Ranges[0].First));
        Assert.All(_asked.Skip(1), asked => Assert.Equal(_replicas[0].Snapshot.Current.Vector, asked.Request.Have));
    }

    [Fact]
    public void After_a_page_that_does_not_match_its_digest_its_part_is_asked_for_again_of_another_donor()
    {
        _options.ArcsPerPart = 4096;
        WriteLong(100);
        var whole = _transport.Transfer!;
        _transport.Transfer = (peer, request, cancellation) => _asked.Count == 2 ? LoseOneAsync(whole(peer, request, cancellation)) : whole(peer, request, cancellation);
        Begin();
        _clock.AdvanceUntil(() => _replicas[2].Snapshot.Current.Place == Group, TimeSpan.FromSeconds(10));
        CheckFilled();
        Assert.Equal(0UL, _asked[3].Request.Ranges[0].First);
        Assert.NotEqual(_asked[2].Donor, _asked[3].Donor);
    }

    [Fact]
    public void A_donor_behind_a_narrow_link_gives_way_to_another_one()
    {
        _options.ArcsPerPart = 128;
        WriteLong(200);
        var whole = _transport.Transfer!;
        _transport.Transfer = (peer, request, cancellation) => peer.Equals(Nodes[0]) ? NarrowAsync(whole(peer, request, cancellation)) : whole(peer, request, cancellation);
        Begin();
        _clock.AdvanceUntil(() => _replicas[2].Snapshot.Current.Place == Group, TimeSpan.FromSeconds(30));
        CheckFilled();
        Assert.InRange(_asked.FindLastIndex(asked => asked.Donor.Equals(Nodes[0])), 0, 8);
    }

    [Fact]
    public void Where_all_links_are_narrow_little_is_asked_for_at_a_time()
    {
        _options.ArcsPerPart = 4096;
        WriteLong(50);
        var whole = _transport.Transfer!;
        _transport.Transfer = (peer, request, cancellation) => NarrowAsync(whole(peer, request, cancellation));
        Begin();
        _clock.AdvanceUntil(() => _replicas[2].Snapshot.Current.Place == Group, TimeSpan.FromMinutes(1));
        CheckFilled();
        Assert.All(_asked.Skip(1), asked => Assert.Equal(LinkPace.Least, asked.Request.MaxBytes));
    }

    // 20 KiB a second, whoever it is sent to.
    private async IAsyncEnumerable<TransferPiece> NarrowAsync(IAsyncEnumerable<TransferPiece> from)
    {
        await foreach (var piece in from)
        {
            if (piece is TransferPiece.Records records) await Task.Delay(TimeSpan.FromSeconds(records.All.Sum(record => record.Value.Length) / 20480.0), _clock.Time);
            yield return piece;
        }
    }

    private void WriteLong(int keys)
    {
        for (var i = 0; i < keys; i++) Write(0, $"long{i}", value: new byte[4096]);
        Deliver(0, 1, 600);
    }

    // As the doors do it: a refusal is told as a failed call.
    private static async IAsyncEnumerable<TransferPiece> BreakAfter(int pieces, NodeAddress peer, IAsyncEnumerable<TransferPiece> from)
    {
        await foreach (var piece in from)
        {
            if (pieces-- == 0) break;
            yield return piece;
        }

        throw new PeerUnavailableException(peer, "broke off");
    }

    [Fact]
    public void A_replica_that_lacks_some_writes_gets_what_differs_and_nothing_else_and_keeps_what_only_it_has()
    {
        // So many in one arc that it is compared in pieces.
        var crowd = Enumerable.Range(0, int.MaxValue).Select(i => $"crowd{i}").Where(key => HashRing.ArcOf(new Key(key).Position) == 7).Take(400).ToList();
        foreach (var key in crowd) Write(0, key);
        Deliver(0, 1, 600);
        var had = _replicas[0].Snapshot.Current.Vector[OriginOf(0)];
        Write(1, "own");
        for (var i = 0; i < 10; i++) Write(0, $"key{i}", isDeletion: true);
        for (var i = 10; i < 20; i++) Write(0, $"key{i}");
        Write(0, "new");
        Write(0, crowd[42]);
        Mend();

        var (donor, receiver) = (_replicas[0].Snapshot.Current, _replicas[1].Snapshot.Current);
        Assert.Equal(22UL, receiver.Vector[OriginOf(0)] - had);
        Assert.Equal(donor.Vector.With(new(OriginOf(1), 1)), receiver.Vector);
        Assert.NotNull(_replicas[1].Read(new("own")));
        foreach (var record in _replicas[0].Scan(RingRange.Whole)) Assert.Equal(record.Dot, _replicas[1].Read(record.Key)!.Dot);
        Assert.Equal(donor.LiveKeys + 1, receiver.LiveKeys);
        // What came by the comparison is not in the log.
        Assert.Equal(donor.Vector[OriginOf(0)], receiver.LoggedAfter[OriginOf(0)]);
        Assert.InRange(_progress.Records, 22, 60);
        Assert.Contains(_asked, asked => asked.Request is { Kind: TransferKind.Differences } request && request.Ranges.Any(range => HashRing.RangeOfArc(HashRing.ArcOf(range.First)) != range));
    }

    [Fact]
    public void Replicas_that_are_equal_transfer_nothing()
    {
        Mend();
        Assert.Equal(0, _progress.Records);
        Assert.All(_asked, asked => Assert.Equal(TransferKind.Differences, asked.Request.Kind));
    }

    [Fact]
    public void A_comparison_that_breaks_off_is_made_again()
    {
        Write(0, "late");
        var whole = _transport.Transfer!;
        _transport.Transfer = (peer, request, cancellation) => request.Kind is TransferKind.Entries && !_asked.Any(asked => asked.Request.Kind is TransferKind.Entries)
            ? BreakAfter(1, peer, whole(peer, request, cancellation))
            : whole(peer, request, cancellation);
        Mend();
        Assert.NotNull(_replicas[1].Read(new("late")));
        Assert.Equal(2, _asked.Count(asked => asked.Request.Kind is TransferKind.Entries));
    }

    private static async IAsyncEnumerable<TransferPiece> LoseOneAsync(IAsyncEnumerable<TransferPiece> from)
    {
        await foreach (var piece in from)
            yield return piece is TransferPiece.Records records ? records with { All = [.. records.All.Skip(1)] } : piece;
    }

    private void Begin()
    {
        _topology.Publish(Joining);
        _clock.Settle();
        ViewOf(null, 0, 1);
        Fill(2);
    }

    // Who is alive, as node 3 sees it, and what they say they hold: what they do, or something else.
    private void ViewOf(VersionVector? said, params IEnumerable<int> alive) => _view.Publish(new(Nodes[2], alive.Select(i => new PeerView(
        Nodes[i], PeerState.Alive, true, Identity(i).Incarnation, Joining.Epoch, 0, said ?? _replicas[i].Snapshot.Current.Vector, Group, null, false, 0, true, true, TimeSpan.Zero, 0, TimeSpan.Zero))));

    private void Fill(int node)
    {
        var questions = new RangeQuestions(_replicas[node], _transport, _clock.Time, _options, NullLogger<RangeQuestions>.Instance);
        var mending = new Mending(_replicas[node], questions, _metrics, NullLogger<Mending>.Instance);
        var filling = new Filling(
            Identity(node), _topology, _view, _replicas[node], questions, mending, _progress, new(_clock.Time, new(_clock.Time), _options), _clock.Time, new Random(1), _options,
            new RecordingLogger<Filling>([]));
        _ = _clock.NewProcess().Start(() => filling.RunAsync(_stop.Token));
    }

    // Node 2 pulls its place once more, from node 1.
    private void Mend()
    {
        _view.Publish(new(Nodes[1], [new PeerView(
            Nodes[0], PeerState.Alive, true, Identity(0).Incarnation, Members.Epoch, 0, _replicas[0].Snapshot.Current.Vector, Group, null, false, 0, true, true, TimeSpan.Zero, 0, TimeSpan.Zero)]));
        _ = _clock.NewProcess().Start(() => _replicas[1].BeginAgainAsync(Group).AsTask());
        _clock.Settle();
        Fill(1);
        _clock.AdvanceUntil(() => _replicas[1].Snapshot.Current.Fill is null, TimeSpan.FromSeconds(30));
    }

    private void CheckFilled()
    {
        _clock.Settle();
        var (donor, receiver) = (_replicas[0].Snapshot.Current, _replicas[2].Snapshot.Current);
        Assert.True(receiver.IsComplete);
        Assert.Null(receiver.Fill);
        Assert.Equal(donor.Vector, receiver.Vector);
        Assert.Equal(donor.LiveKeys, receiver.LiveKeys);
        Assert.Equal(_replicas[0].Scan(RingRange.Whole).Select(record => record.Dot), _replicas[2].Scan(RingRange.Whole).Select(record => record.Dot));
    }

    private RangeSender SenderOf(NodeAddress peer)
    {
        var node = Array.IndexOf(Nodes, peer);
        return new(Identity(node), _topology, _replicas[node], new(_clock.Time, new(_clock.Time), _options), _clock.Time, _options);
    }

    private void Write(int node, string key, bool isDeletion = false, byte[]? value = null)
    {
        var write = _clock.NewProcess().Start(() => _replicas[node].CommitAsync(new(new(key), isDeletion ? default : value ?? "1"u8.ToArray(), isDeletion, CausalToken.None)).AsTask());
        _clock.Settle();
        Assert.IsType<CommitResult.Committed>(write.GetAwaiter().GetResult());
    }

    private void Deliver(int from, int to, ulong after)
    {
        var log = _replicas[from].ReadLog(OriginOf(from), after, ulong.MaxValue, int.MaxValue, int.MaxValue)!;
        _ = _clock.NewProcess().Start(() => _replicas[to].DeliverAsync([.. log.Records.Select(Passage.Of)], _topology.Current.Scope).AsTask());
        _clock.Settle();
    }

    private static Origin OriginOf(int node) => new(Identity(node).Incarnation, Group);

    private static NodeIdentity Identity(int node) => new(new(1), Nodes[node], new((ulong)node + 101));

    private static ClusterTopology Of(IEnumerable<NodeAddress> members, IEnumerable<NodeAddress> joining, ulong epoch) =>
        new(new(1), new(epoch), Nodes.Select((node, i) => new TopologyMember(node, Identity(i).Incarnation)), [new(new(0), [.. members]) { Joining = [.. joining] }], [1]);
}
