using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Replication;
using Kv.Common.Topology;
using Kv.Node.Migration;
using Kv.Node.Replica;
using Kv.Node.Scrub;
using Kv.Node.Signals;
using Kv.Node.Storage;
using Kv.Node.Storage.InMemory;
using Kv.Node.Telemetry;
using Kv.Node.Tests.Replication;
using Kv.Node.Tests.VirtualTime;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kv.Node.Tests.Scrub;

/// <summary>Two replicas of one shard, as in production; the second one scrubs.</summary>
public sealed class ScrubberTests : IDisposable
{
    private static readonly NodeAddress[] Nodes = [.. Enumerable.Range(1, 2).Select(i => NodeAddress.Parse($"10.10.0.{i}:8080"))];
    private static readonly ReplicaGroup Group = new(0, new(0));

    private static readonly ClusterTopology Topology = new(
        new(1), new(5), Nodes.Select((node, i) => new TopologyMember(node, Identity(i).Incarnation)), [new(new(0), [.. Nodes])], [1]);

    private readonly VirtualClock _clock = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly KvMetrics _metrics = new();
    private readonly Published<ClusterTopology> _topology = new(Topology);
    private readonly Published<MembershipView> _view = new(new(Nodes[1], []));
    private readonly TwoReplicas.ScriptedTransport _transport = new();
    private readonly MigrationOptions _migration = new();
    private readonly ScrubOptions _options = new() { Period = TimeSpan.FromSeconds(30), HurriedPeriod = TimeSpan.FromSeconds(2), ArcsPerStep = 256 };
    private readonly Forgetful _storage = new(new InMemoryStorage(new()));
    private readonly List<ReplicaState> _replicas = [];
    private readonly ScrubProgress _progress;

    public ScrubberTests()
    {
        var tokens = new CausalTokenCodec([], Topology.Cluster);
        for (var node = 0; node < 2; node++)
        {
            var storage = node == 0 ? (IStorageEngine)new InMemoryStorage(new()) : _storage;
            var replica = new ReplicaState(Identity(node), _topology, storage, tokens, _clock.Time, new(), _metrics, NullLogger<ReplicaState>.Instance);
            _replicas.Add(replica);
            _ = _clock.NewProcess().Start(() => replica.RunAsync(_stop.Token));
        }

        _clock.Settle();
        foreach (var replica in _replicas) _ = _clock.NewProcess().Start(() => replica.MarkCompleteAsync(Group).AsTask());
        _transport.Transfer = (_, request, cancellation) =>
            new RangeSender(Identity(0), _topology, _replicas[0], Budget(), _clock.Time, _migration).SendAsync(request, cancellation);
        _progress = new(_metrics);
    }

    public void Dispose()
    {
        _stop.Cancel();
        _clock.Settle();
        _metrics.Dispose();
    }

    [Fact]
    public void Equal_replicas_are_gone_through_within_the_period_and_nothing_is_found()
    {
        for (var i = 0; i < 100; i++) Write(0, $"key{i}");
        Deliver(after: 0);
        Scrub();
        _clock.Advance(_options.Period * 0.5);
        Assert.InRange(_progress.Report().ArcsDone, Topology.Ring.ArcCount * 4 / 10, Topology.Ring.ArcCount * 6 / 10);
        _clock.Advance(_options.Period * 0.6);
        Assert.Equal((1, 0, 0), (_progress.Report().Passes, _progress.Report().MissingWrites, _progress.Report().WrongCounts));
    }

    [Fact]
    public void A_write_that_was_said_to_be_here_and_is_not_is_taken_from_another_member_and_counted_once()
    {
        for (var i = 0; i < 100; i++) Write(0, $"key{i}");
        _storage.Loses = new Key("key42");
        Deliver(after: 0);
        _storage.Loses = null;
        Assert.Null(_replicas[1].Read(new("key42")));
        Scrub();
        _clock.Advance(_options.Period * 1.1);

        Assert.Equal(_replicas[0].Read(new("key42"))!.Dot, _replicas[1].Read(new("key42"))!.Dot);
        var report = _progress.Report();
        Assert.Equal((1, 1), (report.MissingWrites, report.WrongCounts));
        Assert.Equal((new Key("key42"), Nodes[0]), (report.Findings[0].Key, report.Findings[0].From));
        Assert.Equal(_replicas[0].Snapshot.Current.Held, _replicas[1].Snapshot.Current.Held);
        Assert.Equal(100, _replicas[1].Snapshot.Current.LiveKeys);
    }

    [Fact]
    public void A_write_that_is_on_its_way_is_left_to_the_broadcast()
    {
        Write(0, "here");
        Deliver(after: 0);
        Write(0, "later");
        Scrub();
        _clock.Advance(_options.Period * 1.1);
        Assert.Null(_replicas[1].Read(new("later")));
        Assert.Equal((1, 0), (_progress.Report().Passes, _progress.Report().MissingWrites));
    }

    [Fact]
    public void A_deletion_that_only_one_of_them_remembers_is_no_finding()
    {
        Write(0, "key");
        Write(0, "key", isDeletion: true);
        Deliver(after: 0);
        Forget("key");
        Scrub();
        _clock.Advance(_options.Period * 1.1);
        Assert.Null(_replicas[1].Read(new("key")));
        Assert.Equal((1, 0, 0), (_progress.Report().Passes, _progress.Report().MissingWrites, _progress.Report().WrongCounts));
    }

    [Fact]
    public void What_was_read_elsewhere_before_something_was_forgotten_here_is_not_taken_in()
    {
        Write(0, "key");
        var old = _replicas[0].Read(new("key"))!;
        Write(0, "key", isDeletion: true);
        Deliver(after: 0);
        var before = _replicas[1].Snapshot.Current;
        Forget("key");
        Assert.Null(Regain(before, old));
        Assert.Null(_replicas[1].Read(new("key")));
        // The guard, and nothing else, stood in between.
        Assert.Single(Regain(_replicas[1].Snapshot.Current, old)!);
    }

    [Fact]
    public void Members_that_hold_the_same_writes_and_say_different_digests_are_compared_in_a_hurry()
    {
        for (var i = 0; i < 100; i++) Write(0, $"key{i}");
        _storage.Loses = new Key("key7");
        Deliver(after: 0);
        _storage.Loses = null;
        Run(_replicas[1].RecountAsync(HashRing.ArcOf(new Key("key7").Position)));
        Scrub();
        _clock.Advance(_options.HurriedPeriod * 1.5);
        Assert.NotNull(_replicas[1].Read(new("key7")));
        Assert.Equal(_replicas[0].Snapshot.Current.Held, _replicas[1].Snapshot.Current.Held);
    }

    [Fact]
    public void It_waits_while_keys_move()
    {
        Write(0, "key");
        Deliver(after: 0);
        Run(Async(_replicas[1].BeginAgainAsync(Group)));
        Scrub();
        _clock.Advance(_options.Period);
        Assert.Equal((ScrubState.Waiting, 0), (_progress.Report().State, _progress.Report().ArcsDone));

        static async ValueTask<bool> Async(ValueTask work)
        {
            await work;
            return true;
        }
    }

    private void Scrub()
    {
        var held = _replicas[0].Snapshot.Current;
        _view.Publish(new(Nodes[1], [new PeerView(
            Nodes[0], PeerState.Alive, true, Identity(0).Incarnation, Topology.Epoch, 0, held.Vector, Group, null, false, 0, true, true, TimeSpan.Zero, 0, TimeSpan.Zero) { Replica = held.Report(Identity(0)) }]));
        var questions = new RangeQuestions(_replicas[1], _transport, _clock.Time, _migration, NullLogger<RangeQuestions>.Instance);
        var scrubber = new Scrubber(Identity(1), _topology, _view, _replicas[1], questions, _progress, Budget(), _clock.Time, _options, NullLogger<Scrubber>.Instance);
        _ = _clock.NewProcess().Start(() => scrubber.RunAsync(_stop.Token));
    }

    private IReadOnlyList<WriteRecord>? Regain(ReplicaSnapshot before, WriteRecord record) => Run(_replicas[1].RegainAsync(Group, before, [record]));

    private void Forget(string key) => Assert.Equal(1, Run(_replicas[1].CollectAsync([(new(key), _replicas[1].Read(new(key))!.Dot)], Topology.Epoch)));

    private void Write(int node, string key, bool isDeletion = false) =>
        Assert.IsType<CommitResult.Committed>(Run(_replicas[node].CommitAsync(new(new(key), isDeletion ? default : "1"u8.ToArray(), isDeletion, CausalToken.None))));

    private void Deliver(ulong after)
    {
        var log = _replicas[0].ReadLog(new(Identity(0).Incarnation, Group), after, ulong.MaxValue, int.MaxValue, int.MaxValue)!;
        _ = _clock.NewProcess().Start(() => _replicas[1].DeliverAsync([.. log.Records.Select(Passage.Of)], Topology.Scope).AsTask());
        _clock.Settle();
    }

    private T Run<T>(ValueTask<T> work)
    {
        var task = work.AsTask();
        _clock.Settle();
        return task.GetAwaiter().GetResult();
    }

    private TransferBudget Budget() => new(_clock.Time, new(_clock.Time), _migration);

    private static NodeIdentity Identity(int node) => new(new(1), Nodes[node], new((ulong)node + 101));

    /// <summary>Says that it has stored a record, and has not.</summary>
    private sealed class Forgetful(IStorageEngine inner) : IStorageEngine
    {
        public Key? Loses { get; set; }

        public ReplicaCheckpoint Checkpoint => inner.Checkpoint;

        public StorageRoom Room => inner.Room;

        public long LogBytes => inner.LogBytes;

        public Published<StorageHealth> Health => inner.Health;

        public ValueTask CommitAsync(StorageBatch batch) => inner.CommitAsync(
            Loses is { } lost && batch.Winners.ContainsKey(lost) ? batch with { Winners = batch.Winners.Where(winner => winner.Key != lost).ToDictionary() } : batch);

        public WriteRecord? Read(Key key) => inner.Read(key);

        public LogSlice? ReadLog(Origin origin, ulong after, ulong through, int maxRecords, int maxBytes) => inner.ReadLog(origin, after, through, maxRecords, maxBytes);

        public IReadOnlyDictionary<int, ArcSummary>? ReadArcs() => inner.ReadArcs();

        public ValueTask TrimLogAsync(VersionVector upTo) => inner.TrimLogAsync(upTo);

        public IEnumerable<WriteRecord> Scan(RingRange range) => inner.Scan(range);

        public IEnumerable<WriteRecord> ScanAfter(Key key) => inner.ScanAfter(key);

        public IStorageSnapshot TakeSnapshot() => inner.TakeSnapshot();

        public byte[]? ReadMeta(string name) => inner.ReadMeta(name);

        public ValueTask WriteMetaAsync(string name, ReadOnlyMemory<byte> value) => inner.WriteMetaAsync(name, value);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
