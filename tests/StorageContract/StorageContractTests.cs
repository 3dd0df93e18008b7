using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Time;
using Kv.Common.Topology;
using Kv.Node.Storage;
using Xunit;
using static Kv.StorageContract.Make;

namespace Kv.StorageContract;

/// <summary>What <see cref="IStorageEngine"/> promises, for any engine.</summary>
public abstract class StorageContractTests : IAsyncLifetime
{
    private readonly IStorageMedium _medium;
    private IStorageEngine _engine;

    private protected StorageContractTests(IStorageMedium medium)
    {
        _medium = medium;
        _engine = medium.Open();
    }

    [Fact]
    public void An_empty_store_holds_nothing()
    {
        Assert.Equal(ReplicaCheckpoint.Empty, _engine.Checkpoint);
        Assert.Null(_engine.Read(new Key("key")));
        Assert.Null(_engine.ReadMeta("name"));
        Assert.Empty(_engine.Scan(RingRange.Whole));
        Assert.Empty(_engine.ReadArcs()!);
        Assert.Equal(9ul, Slice(Anna, 0, through: 9)?.Through);
        Assert.Empty(ReadLog(Anna, 0));
    }

    [Fact]
    public async Task What_is_committed_is_read_field_by_field()
    {
        var record = Record("key", "{\"a\": 1}", Anna, 1, stamp: 77, token: "sealed");
        await _engine.CommitAsync(Batch(ReplicaCheckpoint.Empty, record));
        var read = _engine.Read(new Key("key"));
        Assert.Equal(Text(record), Text(read));
        Assert.Equal(new Key("key"), read!.Key);
        Assert.Null(_engine.Read(new Key("ke")));
        Assert.Null(_engine.Read(new Key("keys")));
    }

    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(1, 1, 0)]
    [InlineData(2000, 4, 4)]
    [InlineData(8, 100_000, 70_000)]
    public async Task Keys_values_and_tokens_of_any_length_are_kept(int keyLength, int valueLength, int tokenLength)
    {
        var record = Record(new('k', keyLength), new('v', valueLength), Anna, 1, token: new('t', tokenLength));
        await _engine.CommitAsync(Batch(ReplicaCheckpoint.Empty, record));
        Assert.Equal(Text(record), Text(_engine.Read(record.Key)));
        Assert.Equal(Text(record), Text(Assert.Single(_engine.ReadLog(Anna, 0, 1, 1, 1)!.Records)));
        Assert.Equal(Text(record), Text(Assert.Single(_engine.Scan(RingRange.Whole))));
    }

    [Fact]
    public async Task The_last_winner_of_a_key_replaces_those_before_it_and_a_tombstone_counts()
    {
        await CommitAsync(Record("key", "1", Anna, 1), Record("key", "2", Anna, 2));
        Assert.Equal(2ul, _engine.Read(new Key("key"))!.Dot.Sequence);
        await CommitAsync(Record("key", null, Anna, 3));
        Assert.True(_engine.Read(new Key("key"))!.IsTombstone);
        Assert.Single(_engine.Scan(RingRange.Whole));
    }

    [Fact]
    public async Task A_scan_after_a_key_gives_what_comes_after_it_in_ring_order_whether_or_not_it_is_there()
    {
        await CommitAsync([.. Enumerable.Range(1, 50).Select(i => Record($"key{i}", "v", Anna, (ulong)i))]);
        var keys = _engine.Scan(RingRange.Whole).Select(record => record.Key).ToList();
        for (var at = 0; at < keys.Count; at++) Assert.Equal(keys[(at + 1)..], _engine.ScanAfter(keys[at]).Select(record => record.Key));
        foreach (var absent in new[] { "x", "y", "z", "other" }.Select(text => new Key(text)))
            Assert.Equal(keys.Where(key => key.CompareTo(absent) > 0), _engine.ScanAfter(absent).Select(record => record.Key));
    }

    [Fact]
    public async Task A_logged_record_that_is_no_winner_leaves_the_winner_alone()
    {
        var winner = Record("key", "new", Anna, 1, stamp: 9);
        var loser = Record("key", "old", Boris, 1, stamp: 3);
        await CommitAsync(winner);
        await _engine.CommitAsync(new([loser], Winners(), new(Group, VersionVector.Of(winner.Dot, loser.Dot), winner.Stamp, 1)));
        Assert.Equal(Text(winner), Text(_engine.Read(new Key("key"))));
        Assert.Equal(Text(loser), Text(Assert.Single(_engine.ReadLog(Boris, 0, 10, 10, 1000)!.Records)));
    }

    [Fact]
    public async Task A_winner_that_is_not_logged_is_stored_but_not_in_the_log()
    {
        var logged = Record("a", "1", Anna, 1);
        var transferred = Record("b", "2", Boris, 5);
        await _engine.CommitAsync(new([logged], Winners(logged, transferred), new(Group, VersionVector.Of(logged.Dot, transferred.Dot), new HybridTimestamp(5), 2)));
        Assert.Equal(Text(transferred), Text(_engine.Read(new Key("b"))));
        Assert.Empty(ReadLog(Boris, 4));
        Assert.Equal(2, _engine.Scan(RingRange.Whole).Count());
    }

    [Fact]
    public async Task A_snapshot_shows_what_was_committed_by_then_whatever_comes_after()
    {
        await CommitAsync(Record("a", "1", Anna, 1), Record("b", "1", Anna, 2));
        using var snapshot = _engine.TakeSnapshot();
        var (checkpoint, records) = (_engine.Checkpoint, _engine.Scan(RingRange.Whole).Select(Text).ToList());
        await CommitAsync(Record("a", "2", Anna, 3), Record("b", null, Anna, 4), Record("c", "1", Anna, 5));
        await _engine.CommitAsync(new([], Winners(), _engine.Checkpoint) { Dropped = [RingRange.Whole] });
        Assert.Empty(_engine.Scan(RingRange.Whole));
        Assert.Equal(Text(checkpoint), Text(snapshot.Checkpoint));
        for (var time = 0; time < 2; time++) Assert.Equal(records, snapshot.Scan(RingRange.Whole).Select(Text));
        Assert.Equal(records, Enumerable.Range(0, HashRing.For(1).ArcCount).SelectMany(arc => snapshot.Scan(HashRing.RangeOfArc(arc))).Select(Text));
    }

    [Fact]
    public async Task A_snapshot_of_an_empty_store_stays_empty()
    {
        using var snapshot = _engine.TakeSnapshot();
        await CommitAsync(Record("a", "1", Anna, 1));
        Assert.Equal(ReplicaCheckpoint.Empty, snapshot.Checkpoint);
        Assert.Empty(snapshot.Scan(RingRange.Whole));
    }

    [Fact]
    public async Task Reopening_shows_exactly_what_was_committed()
    {
        await CommitAsync(Record("a", "1", Anna, 1), Record("b", "2", Boris, 1));
        await CommitAsync(Record("a", null, Anna, 2));
        await _engine.WriteMetaAsync("name", new byte[] { 1, 2, 3 });
        var checkpoint = _engine.Checkpoint with { LiveKeys = 1 };
        await _engine.CommitAsync(new([], Winners(), checkpoint));
        await ReopenAsync();
        Assert.Equal(checkpoint, _engine.Checkpoint);
        Assert.True(_engine.Read(new Key("a"))!.IsTombstone);
        Assert.Equal("2"u8, _engine.Read(new Key("b"))!.Value.Span);
        Assert.Equal([1ul, 2ul], ReadLog(Anna, 0));
        Assert.Equal([1ul], ReadLog(Boris, 0));
        Assert.Equal([1, 2, 3], _engine.ReadMeta("name")!);
    }

    [Fact]
    public async Task The_log_of_one_origin_is_read_in_order_from_any_position()
    {
        await CommitAsync([.. Enumerable.Range(1, 20).Select(i => Record($"a{i}", "v", Anna, (ulong)i))]);
        await CommitAsync([.. Enumerable.Range(1, 5).Select(i => Record($"b{i}", "v", Boris, (ulong)i))]);
        Assert.Equal(Sequences(1, 20), ReadLog(Anna, 0));
        Assert.Equal(Sequences(8, 20), ReadLog(Anna, 7));
        Assert.Equal(Sequences(1, 5), ReadLog(Boris, 0));
        Assert.Empty(ReadLog(Anna, 20));
        Assert.Empty(ReadLog(Anna, ulong.MaxValue));
        Assert.Empty(ReadLog(new(new(0xC), Group), 0));
    }

    [Fact]
    public async Task The_logs_of_one_incarnation_in_two_groups_are_two_logs()
    {
        var later = Anna with { Group = new(1, Group.Shard) };
        await CommitAsync(Record("a", "1", Anna, 1), Record("a", "2", Anna, 2), Record("a", "3", later, 1));
        Assert.Equal(Sequences(1, 2), ReadLog(Anna, 0));
        Assert.Equal(Sequences(1, 1), ReadLog(later, 0));
        await _engine.TrimLogAsync(VersionVector.Of(new Dot(Anna, 2)));
        await CommitAsync(Record("a", "4", later, 2));
        await ReopenAsync();
        Assert.Null(Slice(Anna, 0));
        Assert.Equal(Sequences(1, 2), ReadLog(later, 0));
    }

    [Fact]
    public async Task A_log_that_has_gaps_is_read_across_them_up_to_where_it_was_asked_for()
    {
        await CommitAsync(Record("a", "1", Anna, 1), Record("b", "2", Anna, 2), Record("d", "4", Anna, 4), Record("h", "8", Anna, 8));
        Assert.Equal([1, 2, 4, 8], ReadLog(Anna, 0));
        Assert.Equal([4, 8], ReadLog(Anna, 2));
        Assert.Equal([4, 8], ReadLog(Anna, 3));
        Assert.Equal([4], ReadLog(Anna, 2, through: 7));
        Assert.Empty(ReadLog(Anna, 4, through: 7));
        foreach (var through in Sequences(4, 9)) Assert.Equal(through, Slice(Anna, 3, through)?.Through);
    }

    [Fact]
    public async Task A_slice_says_through_where_the_log_was_read()
    {
        // Ten bytes each: value and token.
        await CommitAsync([.. Enumerable.Range(1, 5).Select(i => Record($"a{i}", "12345", Anna, (ulong)(10 * i), token: "54321"))]);
        Assert.Equal(60ul, Slice(Anna, 0, 60)?.Through);
        Assert.Equal(20ul, Slice(Anna, 0, 60, maxRecords: 2)?.Through);
        Assert.Equal(30ul, Slice(Anna, 0, 60, maxBytes: 39)?.Through);
        // Nothing was read, or there was nothing to read.
        Assert.Equal(15ul, Slice(Anna, 15, 60, maxRecords: 0)?.Through);
        Assert.Equal(60ul, Slice(Anna, 60, 60)?.Through);
        Assert.Equal(70ul, Slice(Anna, 70, 60)?.Through);
        Assert.Equal(19ul, Slice(Anna, 15, 19)?.Through);
        Assert.Equal(ulong.MaxValue, Slice(Anna, 50, ulong.MaxValue)?.Through);
        Assert.Equal(ulong.MaxValue, Slice(Anna, ulong.MaxValue, ulong.MaxValue)?.Through);
    }

    [Fact]
    public async Task Reading_the_log_keeps_to_its_bounds_but_gives_the_first()
    {
        // Ten bytes each: value and token.
        await CommitAsync([.. Enumerable.Range(1, 10).Select(i => Record($"a{i}", "12345", Anna, (ulong)i, token: "54321"))]);
        Assert.Equal(Sequences(1, 3), ReadLog(Anna, 0, maxRecords: 3));
        Assert.Empty(ReadLog(Anna, 0, maxRecords: 0));
        Assert.Equal(Sequences(1, 3), ReadLog(Anna, 0, maxBytes: 30));
        Assert.Equal(Sequences(1, 2), ReadLog(Anna, 0, maxBytes: 29));
        Assert.Equal(Sequences(5, 5), ReadLog(Anna, 4, maxBytes: 0));
    }

    [Fact]
    public async Task A_trimmed_part_of_the_log_is_refused_and_the_rest_and_the_records_stay()
    {
        await CommitAsync([.. Enumerable.Range(1, 20).Select(i => Record($"a{i}", "v", Anna, (ulong)i))]);
        await CommitAsync([.. Enumerable.Range(1, 5).Select(i => Record($"b{i}", "v", Boris, (ulong)i))]);
        await _engine.TrimLogAsync(VersionVector.Of(new Dot(Anna, 12)));
        Assert.Null(Slice(Anna, 0));
        Assert.Null(Slice(Anna, 11));
        Assert.Equal(Sequences(13, 20), ReadLog(Anna, 12));
        Assert.Equal(Sequences(1, 5), ReadLog(Boris, 0));
        Assert.Equal(25, _engine.Scan(RingRange.Whole).Count());

        await _engine.TrimLogAsync(VersionVector.Of(new Dot(Anna, 5), new Dot(Boris, 5)));
        await _engine.TrimLogAsync(VersionVector.Of(new Dot(Anna, 20)));
        Assert.Null(Slice(Anna, 19));
        Assert.Null(Slice(Boris, 0));

        await CommitAsync(Record("a21", "v", Anna, 21));
        Assert.Equal(Sequences(21, 21), ReadLog(Anna, 20));
        await ReopenAsync();
        Assert.Equal(Sequences(21, 21), ReadLog(Anna, 20));
        Assert.Equal(26, _engine.Scan(RingRange.Whole).Count());
    }

    [Fact]
    public async Task What_never_was_here_can_be_said_to_be_trimmed()
    {
        await _engine.TrimLogAsync(VersionVector.Of(new Dot(Anna, 7)));
        Assert.Null(Slice(Anna, 6));
        Assert.Empty(ReadLog(Anna, 7));
        await CommitAsync(Record("a", "v", Anna, 9));
        Assert.Equal([9], ReadLog(Anna, 7));
        await ReopenAsync();
        Assert.Null(Slice(Anna, 6));
        Assert.Equal([9], ReadLog(Anna, 7));
    }

    [Fact]
    public async Task A_log_trimmed_to_the_end_of_numbers_is_refused()
    {
        var last = new Origin(new(ulong.MaxValue), new(uint.MaxValue));
        await CommitAsync(Record("a", "v", Anna, 1), Record("b", "v", last, 1));
        await _engine.TrimLogAsync(VersionVector.Of(new Dot(Anna, 1), new Dot(last, ulong.MaxValue)));
        Assert.Null(Slice(Anna, 0));
        Assert.Null(Slice(last, 0));
        Assert.Empty(ReadLog(last, ulong.MaxValue));
    }

    [Fact]
    public async Task Dropped_ranges_are_forgotten_with_the_batch_and_their_log_stays()
    {
        var records = Enumerable.Range(1, 200).Select(i => Record($"key{i}", i % 7 == 0 ? null : "v", Anna, (ulong)i)).ToArray();
        await CommitAsync(records);
        var ordered = records.OrderBy(r => r.Key).ToArray();
        RingRange[] dropped = [RingRange.Between(0, ordered[20].Key.Position), RingRange.Between(ordered[50].Key.Position, ordered[50].Key.Position), RingRange.Between(ordered[100].Key.Position + 1, ordered[150].Key.Position - 1)];
        await _engine.CommitAsync(Batch(_engine.Checkpoint) with { Dropped = dropped });
        Check();
        await ReopenAsync();
        Check();

        void Check()
        {
            var left = ordered.Where(r => !dropped.Any(range => range.Contains(r.Key.Position))).ToArray();
            Assert.Equal(200 - 21 - 1 - 49, left.Length);
            Assert.Equal(left.Select(Text), _engine.Scan(RingRange.Whole).Select(Text));
            foreach (var record in ordered) Assert.Equal(left.Contains(record) ? Text(record) : "none", Text(_engine.Read(record.Key)));
            Assert.Equal(Sequences(1, 200), ReadLog(Anna, 0));
        }
    }

    [Fact]
    public async Task A_put_into_a_range_that_the_same_batch_drops_stays()
    {
        await CommitAsync(Record("a", "old", Anna, 1), Record("b", "old", Anna, 2));
        var (logged, transferred) = (Record("a", "new", Anna, 3), Record("c", "new", Boris, 1));
        await _engine.CommitAsync(Batch(_engine.Checkpoint, logged) with { Winners = Winners(logged, transferred), Dropped = [RingRange.Whole] });
        Check();
        await ReopenAsync();
        Check();
        // And what is put there afterwards stays too.
        await CommitAsync(Record("b", "newer", Anna, 4));
        await ReopenAsync();
        Assert.Equal("newer"u8, _engine.Read(new Key("b"))!.Value.Span);

        void Check()
        {
            Assert.Equal(Text(logged), Text(_engine.Read(logged.Key)));
            Assert.Equal(Text(transferred), Text(_engine.Read(transferred.Key)));
            Assert.Null(_engine.Read(new Key("b")));
            Assert.Equal(2, _engine.Scan(RingRange.Whole).Count());
        }
    }

    [Fact]
    public async Task The_last_range_of_the_ring_is_dropped_to_its_end()
    {
        var last = HashRing.RangeOfArc(HashRing.For(1).ArcCount - 1);
        Assert.Equal(ulong.MaxValue, last.Last);
        var (inside, outside) = (KeyIn(last), KeyIn(RingRange.Between(0, last.First - 1)));
        await CommitAsync(Record(inside.ToString(), "v", Anna, 1), Record(outside.ToString(), "v", Anna, 2));
        await _engine.CommitAsync(Batch(_engine.Checkpoint) with { Dropped = [last] });
        Assert.Equal(outside, Assert.Single(_engine.Scan(RingRange.Whole)).Key);
        Assert.Null(_engine.Read(inside));
        await _engine.CommitAsync(Batch(_engine.Checkpoint) with { Dropped = [RingRange.Between(outside.Position, ulong.MaxValue)] });
        Assert.Empty(_engine.Scan(RingRange.Whole));
        await ReopenAsync();
        Assert.Empty(_engine.Scan(RingRange.Whole));
        Assert.Equal(Sequences(1, 2), ReadLog(Anna, 0));
    }

    [Fact]
    public async Task A_forgotten_key_has_no_record_and_its_log_entry_stays()
    {
        await _engine.CommitAsync(Batch(_engine.Checkpoint, Record("a", "v", Anna, 1), Record("b", "v", Anna, 2)));
        await _engine.CommitAsync(Batch(_engine.Checkpoint) with { Forgotten = [new("a"), new("never there")] });
        Assert.Null(_engine.Read(new("a")));
        Assert.Equal("b", Assert.Single(_engine.Scan(RingRange.Whole)).Key.ToString());
        await ReopenAsync();
        Assert.Null(_engine.Read(new("a")));
        Assert.Equal(Sequences(1, 2), ReadLog(Anna, 0));
        Assert.True(_engine.LogBytes >= 0);
    }

    private static ArcSummary Arc(long keys) => new(keys, 7, ulong.MaxValue - (ulong)keys, (ulong)keys << 1);

    [Fact]
    public async Task Arcs_are_stored_with_the_batch_and_those_of_empty_arcs_are_not_listed()
    {
        await _engine.CommitAsync(Batch(_engine.Checkpoint, Record("a", "v", Anna, 1)) with { Arcs = new Dictionary<int, ArcSummary> { [0] = Arc(1), [17] = Arc(long.MaxValue), [255] = Arc(4), [256] = Arc(5), [4095] = Arc(2) } });
        Assert.Equal([new(0, Arc(1)), new(17, Arc(long.MaxValue)), new(255, Arc(4)), new(256, Arc(5)), new(4095, Arc(2))], _engine.ReadArcs()!.OrderBy(count => count.Key));
        await _engine.CommitAsync(Batch(_engine.Checkpoint) with { Arcs = new Dictionary<int, ArcSummary> { [0] = default, [256] = Arc(6), [9] = default } });
        KeyValuePair<int, ArcSummary>[] expected = [new(17, Arc(long.MaxValue)), new(255, Arc(4)), new(256, Arc(6)), new(4095, Arc(2))];
        Assert.Equal(expected, _engine.ReadArcs()!.OrderBy(count => count.Key));
        await ReopenAsync();
        Assert.Equal(expected, _engine.ReadArcs()!.OrderBy(count => count.Key));
        // What the step drops does not change them: whoever drops says what is left.
        await _engine.CommitAsync(Batch(_engine.Checkpoint) with { Dropped = [RingRange.Whole] });
        Assert.Equal(expected, _engine.ReadArcs()!.OrderBy(count => count.Key));
    }

    [Fact]
    public async Task A_scan_gives_the_records_of_a_range_in_ring_order_ends_included()
    {
        var records = Enumerable.Range(1, 200).Select(i => Record($"key{i}", i % 7 == 0 ? null : "v", Anna, (ulong)i)).ToArray();
        await CommitAsync(records);
        var ordered = records.Select(r => r.Key).Order().ToArray();
        Assert.Equal(ordered, _engine.Scan(RingRange.Whole).Select(r => r.Key));
        foreach (var (first, last) in new[] { (0, 0), (0, 9), (17, 150), (199, 199), (0, 199) })
        {
            var range = RingRange.Between(ordered[first].Position, ordered[last].Position);
            Assert.Equal(ordered[first..(last + 1)], _engine.Scan(range).Select(r => r.Key));
        }

        var between = RingRange.Between(ordered[3].Position + 1, ordered[4].Position - 1);
        Assert.Empty(_engine.Scan(between));
        Assert.Equal(ordered[150..], _engine.Scan(RingRange.Between(ordered[150].Position, ulong.MaxValue)).Select(r => r.Key));
    }

    [Fact]
    public async Task A_scan_sees_one_moment_whatever_is_committed_meanwhile()
    {
        await CommitAsync([.. Enumerable.Range(1, 50).Select(i => Record($"key{i}", "old", Anna, (ulong)i))]);
        using var scan = _engine.Scan(RingRange.Whole).GetEnumerator();
        Assert.True(scan.MoveNext());
        await CommitAsync([.. Enumerable.Range(51, 100).Select(i => Record($"key{i - 50}", "new", Anna, (ulong)i))]);
        var seen = new List<WriteRecord> { scan.Current };
        while (scan.MoveNext()) seen.Add(scan.Current);
        Assert.Equal(50, seen.Count);
        Assert.All(seen, r => Assert.Equal("old"u8, r.Value.Span));
        Assert.Equal(100, _engine.Scan(RingRange.Whole).Count(r => r.Value.Span.SequenceEqual("new"u8)));
    }

    [Fact]
    public async Task Concurrent_readers_see_whole_batches_and_never_an_older_one()
    {
        const int Batches = 300;
        const int Keys = 20;
        var readers = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
        {
            var newest = 0L;
            while (newest < Batches)
            {
                var committed = _engine.Checkpoint.Clock.Milliseconds;
                var single = (_engine.Read(new Key("key3"))?.Stamp ?? HybridTimestamp.Zero).Milliseconds;
                var scanned = _engine.Scan(RingRange.Whole).Select(r => r.Stamp.Milliseconds).Distinct().ToArray();
                Assert.InRange(scanned.Length, 0, 1);
                Assert.True(single >= committed, "a read is older than the checkpoint before it");
                if (scanned is [var seen]) Assert.True(seen >= single, "a scan is older than the read before it");
                Assert.True(single >= newest, "a read is older than one before it");
                newest = single;
            }
        })).ToArray();
        var sequence = 0ul;
        for (var batch = 1; batch <= Batches; batch++)
            await CommitAsync([.. Enumerable.Range(0, Keys).Select(key => Record($"key{key}", "v", Anna, ++sequence, HybridTimestamp.At(batch).Packed))]);
        await Task.WhenAll(readers);
    }

    [Fact]
    public async Task Named_values_are_replaced_and_kept_apart_from_each_other_and_from_the_checkpoint()
    {
        await CommitAsync(Record("key", "v", Anna, 1));
        foreach (var name in new[] { "a", "c", "t", "m", "", "name" })
        {
            await _engine.WriteMetaAsync(name, new byte[] { 9 });
            await _engine.WriteMetaAsync(name, new byte[] { 1, (byte)name.Length });
        }

        await _engine.WriteMetaAsync("empty", default);
        await ReopenAsync();
        foreach (var name in new[] { "a", "c", "t", "m", "", "name" }) Assert.Equal([1, (byte)name.Length], _engine.ReadMeta(name)!);
        Assert.Equal([], _engine.ReadMeta("empty")!);
        Assert.Null(_engine.ReadMeta("nam"));
        Assert.Equal(1ul, _engine.Checkpoint.Vector[Anna]);
    }

    [Fact]
    public async Task A_disposed_engine_refuses_to_work()
    {
        await CommitAsync(Record("key", "v", Anna, 1));
        await _engine.DisposeAsync();
        Assert.Throws<ObjectDisposedException>(() => _engine.Read(new Key("key")));
        Assert.Throws<ObjectDisposedException>(() => _engine.ReadLog(Anna, 0, 1, 1, 1));
        Assert.Throws<ObjectDisposedException>(() => _engine.ReadArcs());
        Assert.Throws<ObjectDisposedException>(() => _engine.Scan(RingRange.Whole));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await CommitAsync(Record("key", "v", Anna, 2)));
        await _engine.DisposeAsync();
    }

    [Fact]
    public Task Any_history_gives_what_a_plain_dictionary_gives() => StorageHistory.CheckAsync(Histories, NewMedium);

    /// <summary>How many random histories a run tries.</summary>
    private protected abstract long Histories { get; }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        _medium.Dispose();
    }

    private protected abstract IStorageMedium NewMedium();

    private async Task ReopenAsync()
    {
        await _engine.DisposeAsync();
        _engine = _medium.Open();
    }

    private ValueTask CommitAsync(params WriteRecord[] records) => _engine.CommitAsync(Batch(_engine.Checkpoint, records));

    private LogSlice? Slice(Origin origin, ulong after, ulong through = ulong.MaxValue, int maxRecords = 1000, int maxBytes = 1_000_000) =>
        _engine.ReadLog(origin, after, through, maxRecords, maxBytes);

    private IEnumerable<ulong> ReadLog(Origin origin, ulong after, ulong through = ulong.MaxValue, int maxRecords = 1000, int maxBytes = 1_000_000) =>
        Slice(origin, after, through, maxRecords, maxBytes)!.Records.Select(r => r.Dot.Sequence);

    private static IEnumerable<ulong> Sequences(ulong first, ulong last)
    {
        for (var sequence = first; sequence <= last; sequence++) yield return sequence;
    }
}
