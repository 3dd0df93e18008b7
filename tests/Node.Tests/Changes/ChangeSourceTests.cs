using System.Diagnostics;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Time;
using Kv.Common.Topology;
using Kv.Node.Changes;
using Kv.Node.Migration;
using Kv.Node.Replica;
using Kv.Node.Replication;
using Kv.Node.Storage;
using Kv.Node.Storage.InMemory;
using Kv.Node.Telemetry;
using Kv.Node.Tests.VirtualTime;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kv.Node.Tests.Changes;

/// <summary>What a replica tells a feed, by what it has in its log and in its data.</summary>
public sealed class ChangeSourceTests : IDisposable
{
    private static readonly NodeAddress[] Nodes = [NodeAddress.Parse("10.10.0.2:8080"), NodeAddress.Parse("10.10.0.3:8080")];
    private static readonly ReplicaGroup Group = new(0, new(0));
    private static readonly Origin Anna = new(new(1), Group);
    private static readonly Origin Ben = new(new(2), Group);
    private static readonly ClusterTopology Topology = new(
        new(1), new(2), Nodes.Select((node, at) => new TopologyMember(node, new((ulong)at + 1))), [new(new(0), [.. Nodes])], [1]);

    private static readonly NodeIdentity Self = new(Topology.Cluster, Nodes[0], Anna.Incarnation);

    private readonly KvMetrics _metrics = new();
    private readonly LogHolds _holds = new();

    public void Dispose() => _metrics.Dispose();

    [Fact]
    public async Task What_lost_against_a_write_that_was_told_before_is_left_out()
    {
        var (late, winner) = (Put("a", Ben, 1, stamp: 5), Put("a", Anna, 1, stamp: 9));
        var source = await SourceAsync([late, winner], [winner]);

        Assert.Empty(await AskAsync(source, VersionVector.Of(winner.Dot)));
        Assert.Equal([late, winner], await AskAsync(source, VersionVector.Empty));
    }

    [Fact]
    public async Task What_a_deletion_has_outdone_comes_before_it_and_not_when_the_deletion_was_told_before()
    {
        var (put, deletion) = (Put("a", Ben, 1, stamp: 5), Delete("a", Anna, 1, stamp: 9));
        var source = await SourceAsync([put, deletion], [deletion]);

        Assert.Equal([put, deletion], await AskAsync(source, VersionVector.Empty));
        Assert.Empty(await AskAsync(source, VersionVector.Of(deletion.Dot)));
    }

    [Fact]
    public async Task A_log_with_a_write_whose_deletion_is_forgotten_is_one_that_was_trimmed_a_moment_ago()
    {
        var (put, effect) = (Put("a", Ben, 1, stamp: 5), Put("b", Ben, 2, stamp: 6));
        var source = await SourceAsync([put, effect], [effect]);

        Assert.IsType<ChangeAnswer.BeyondLog>(await source.AnswerAsync(Question(VersionVector.Empty), default));
        Assert.Equal([effect], await AskAsync(source, VersionVector.Of(put.Dot)));
    }

    [Fact]
    public async Task While_a_scan_is_left_open_the_log_is_kept_from_its_cut_on()
    {
        var (put, later) = (Put("a", Anna, 1, stamp: 1), new Dot(Anna, 7));
        var source = await SourceAsync([put], [put]);
        var scan = source.ScanAsync(Scan(VersionVector.Empty, isAll: true), default).GetAsyncEnumerator();
        while (await scan.MoveNextAsync() && scan.Current is not ChangePiece.End) Assert.Equal(VersionVector.Of(put.Dot), _holds.Limit(VersionVector.Of(later)));

        Assert.Equal(VersionVector.Of(put.Dot), _holds.Limit(VersionVector.Of(later)));
        await scan.DisposeAsync();
        Assert.Equal(VersionVector.Of(later), _holds.Limit(VersionVector.Of(later)));
    }

    [Fact]
    public async Task A_scan_that_is_left_open_ends_when_the_log_is_kept_for_it_no_longer()
    {
        var source = await SourceAsync([], []);
        await using var scan = source.ScanAsync(Scan(VersionVector.Empty, isAll: true), default).GetAsyncEnumerator();
        while (scan.Current is not ChangePiece.End) Assert.True(await scan.MoveNextAsync());

        var next = scan.MoveNextAsync();
        Assert.False(next.IsCompleted);
        Assert.Equal(1, _holds.GiveUp());
        Assert.False(await next);
    }

    [Fact]
    public async Task A_scan_whose_turn_is_far_off_tells_nothing_now_and_then_so_that_nobody_takes_it_for_broken_off()
    {
        var (replica, clock) = await ReplicaAsync([], [Put("a", Anna, 1, stamp: 1)]);
        var (clients, options) = (new ClientActivity(clock.Time), new ChangesOptions());
        var budget = new TransferBudget(clock.Time, clients, new());
        clients.Serve();
        // What others have read is to be rested from first.
        for (var i = 0; i < 20; i++) _ = budget.RestAsync(TimeSpan.FromSeconds(1), default);
        using var scanner = new ChangeScanner(replica, budget, clock.Time, options);
        await using var scan = scanner.ScanAsync(Topology.RingOf(Group.Layout), Group.Shard, _ => true, default).GetAsyncEnumerator();
        for (var i = 0; i < 3; i++)
        {
            var next = scan.MoveNextAsync().AsTask();
            Assert.False(next.IsCompleted);
            clock.Time.Advance(options.AnswerTimeout / 2);
            Assert.True(await next.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken));
            Assert.Empty(scan.Current);
        }
    }

    [Fact]
    public async Task What_nobody_wants_is_read_in_turns_of_a_batch_s_size_too()
    {
        var records = Enumerable.Range(0, 64).Select(i => Record($"{i}", new string('1', RecordBatch.MaxBytes / 8), Anna, (ulong)i + 1, stamp: 1)).ToList();
        var (replica, clock) = await ReplicaAsync([], records);
        using var scanner = new ChangeScanner(replica, new(clock.Time, new(clock.Time), new()), clock.Time, new());
        var looked = 0;
        await using var scan = scanner.ScanAsync(Topology.RingOf(Group.Layout), Group.Shard, _ => looked++ < 0, default).GetAsyncEnumerator();
        Assert.True(await scan.MoveNextAsync());
        Assert.InRange(looked, 1, 8);
    }

    [Fact]
    public async Task Keys_with_another_prefix_are_passed_over()
    {
        WriteRecord[] records = [Put("a1", Anna, 1, stamp: 1), Put("b1", Anna, 2, stamp: 2), Put("a2", Anna, 3, stamp: 3), Put("b2", Anna, 4, stamp: 4)];
        var source = await SourceAsync(records, records);

        var told = await ToldAsync(source, Question(VersionVector.Empty) with { Prefix = "a"u8.ToArray() });
        Assert.Equal([records[0], records[2]], told.Passages.Select(passage => passage.Record).OfType<WriteRecord>());
        Assert.Equal(records[3].Dot, told.Passages[^1].Through);
    }

    [Fact]
    public async Task What_does_not_fit_is_told_to_be_left()
    {
        WriteRecord[] records = [Put("a", Anna, 1, stamp: 1), Put("b", Anna, 2, stamp: 2), Put("c", Anna, 3, stamp: 3)];
        var source = await SourceAsync(records, records);

        var told = await ToldAsync(source, Question(VersionVector.Empty) with { MaxBytes = 1 });
        Assert.Equal(records[0], Assert.Single(told.Passages).Record);
        Assert.False(told.IsWhole);
    }

    [Fact]
    public async Task A_log_that_does_not_reach_back_is_said_to_be_so_and_whether_deletions_may_be_missed()
    {
        var record = Put("a", Anna, 3, stamp: 3);
        var source = await SourceAsync([record], [record], loggedAfter: VersionVector.Of(new Dot(Anna, 2)));

        // Nobody knows what it forgot before the process began.
        Assert.Equal(new ChangeAnswer.BeyondLog(IsForgotten: true), await source.AnswerAsync(Question(VersionVector.Of(new Dot(Anna, 1))), default));
        Assert.Equal([record], await AskAsync(source, VersionVector.Of(new Dot(Anna, 2))));
    }

    [Fact]
    public async Task One_that_is_of_another_group_says_so()
    {
        var source = await SourceAsync([], []);
        Assert.Equal(new ChangeAnswer.NotHere(new(2)), await source.AnswerAsync(Question(VersionVector.Empty) with { Group = new(0, new(1)) }, default));
        Assert.Equal(new ChangeAnswer.NotHere(new(2)), await source.AnswerAsync(Question(VersionVector.Empty) with { Group = new(1, new(0)) }, default));
    }

    [Fact]
    public async Task A_scan_tells_deletions_unless_all_is_asked_for_and_nothing_that_was_passed()
    {
        WriteRecord[] records = [Put("a", Anna, 1, stamp: 1), Put("b", Anna, 2, stamp: 2), Delete("c", Anna, 3, stamp: 3)];
        var source = await SourceAsync([], records, loggedAfter: VersionVector.Of(records[2].Dot));

        Assert.Equal(["b", "c"], (await ScanAsync(source, VersionVector.Of(records[0].Dot), isAll: false)).Select(record => record.Key.ToString()).Order());
        Assert.Equal(["a", "b"], (await ScanAsync(source, VersionVector.Empty, isAll: true)).Select(record => record.Key.ToString()).Order());
    }

    private static WriteRecord Put(string key, Origin origin, ulong sequence, long stamp) => Record(key, "1", origin, sequence, stamp);

    private static WriteRecord Delete(string key, Origin origin, ulong sequence, long stamp) => Record(key, "", origin, sequence, stamp);

    private static WriteRecord Record(string key, string value, Origin origin, ulong sequence, long stamp) => new(
        new Key(key), System.Text.Encoding.UTF8.GetBytes(value), value.Length == 0, HybridTimestamp.At(stamp), new(origin, sequence), new CausalTokenCodec("secret"u8, Topology.Cluster).Seal(CausalToken.None));

    private static ChangeQuestion Question(VersionVector passed) => new(Topology.Epoch, Group, default, passed, 1 << 20, null);

    private static ChangeScan Scan(VersionVector passed, bool isAll) => new(Topology.Epoch, Group, default, passed, isAll);

    private static async Task<Kv.Common.Changes.ChangeNews> ToldAsync(ChangeSource source, ChangeQuestion question) =>
        Assert.IsType<ChangeAnswer.Told>(await source.AnswerAsync(question, default)).News;

    private static async Task<IEnumerable<WriteRecord>> AskAsync(ChangeSource source, VersionVector passed) =>
        (await ToldAsync(source, Question(passed))).Passages.Select(passage => passage.Record).OfType<WriteRecord>();

    private static async Task<List<WriteRecord>> ScanAsync(ChangeSource source, VersionVector passed, bool isAll)
    {
        var records = new List<WriteRecord>();
        await foreach (var piece in source.ScanAsync(Scan(passed, isAll), default))
        {
            if (piece is ChangePiece.Records some) records.AddRange(some.All);
            if (piece is ChangePiece.End) return records;
        }

        throw new UnreachableException();
    }

    // A replica with this log and these data, whose writer has followed the topology and then rests.
    private async Task<ChangeSource> SourceAsync(IReadOnlyList<WriteRecord> log, IReadOnlyList<WriteRecord> data, VersionVector? loggedAfter = null)
    {
        var (replica, clock) = await ReplicaAsync(log, data, loggedAfter);
        var options = new ChangesOptions();
        return new(Self, new(Topology), replica, _holds, new ChangeScanner(replica, new TransferBudget(clock.Time, new(clock.Time), new()), clock.Time, options), clock.Time, options);
    }

    private async Task<(ReplicaState Replica, VirtualClock Clock)> ReplicaAsync(IReadOnlyList<WriteRecord> log, IReadOnlyList<WriteRecord> data, VersionVector? loggedAfter = null)
    {
        var clock = new VirtualClock();
        var storage = new InMemoryStorage(new());
        var vector = VersionVector.Of(log.Concat(data).Select(record => record.Dot)).Join(loggedAfter ?? VersionVector.Empty);
        var checkpoint = ReplicaCheckpoint.Empty with { Place = Group, Vector = vector, LoggedAfter = loggedAfter ?? VersionVector.Empty, IsComplete = true };
        await storage.CommitAsync(new(log, data.ToDictionary(record => record.Key), checkpoint));
        var replica = new ReplicaState(Self, new(Topology), storage, new("secret"u8, Topology.Cluster), clock.Time, new(), _metrics, NullLogger<ReplicaState>.Instance);
        using var stop = new CancellationTokenSource();
        var writer = replica.RunAsync(stop.Token);
        await replica.Snapshot.WaitAsync(next => next.Followed == Topology.Epoch, default);
        await stop.CancelAsync();
        await writer;
        return (replica, clock);
    }
}
