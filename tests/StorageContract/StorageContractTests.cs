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
        Assert.Empty(_engine.ReadLog(Anna, 0, 10, 1000));
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
        Assert.Equal(Text(record), Text(Assert.Single(_engine.ReadLog(Anna, 0, 1, 1))));
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
    public async Task A_logged_record_that_is_no_winner_leaves_the_winner_alone()
    {
        var winner = Record("key", "new", Anna, 1, stamp: 9);
        var loser = Record("key", "old", Boris, 1, stamp: 3);
        await CommitAsync(winner);
        await _engine.CommitAsync(new([loser], Winners(), new(VersionVector.Of(winner.Dot, loser.Dot), winner.Stamp, 1)));
        Assert.Equal(Text(winner), Text(_engine.Read(new Key("key"))));
        Assert.Equal(Text(loser), Text(Assert.Single(_engine.ReadLog(Boris, 0, 10, 1000))));
    }

    [Fact]
    public async Task A_winner_that_is_not_logged_is_stored_but_not_in_the_log()
    {
        var logged = Record("a", "1", Anna, 1);
        var transferred = Record("b", "2", Boris, 5);
        await _engine.CommitAsync(new([logged], Winners(logged, transferred), new(VersionVector.Of(logged.Dot, transferred.Dot), new HybridTimestamp(5), 2)));
        Assert.Equal(Text(transferred), Text(_engine.Read(new Key("b"))));
        Assert.Empty(_engine.ReadLog(Boris, 4, 10, 1000));
        Assert.Equal(2, _engine.Scan(RingRange.Whole).Count());
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
        Assert.Equal([1ul, 2ul], _engine.ReadLog(Anna, 0, 10, 1000).Select(r => r.Dot.Sequence));
        Assert.Equal([1ul], _engine.ReadLog(Boris, 0, 10, 1000).Select(r => r.Dot.Sequence));
        Assert.Equal([1, 2, 3], _engine.ReadMeta("name")!);
    }

    [Fact]
    public async Task The_log_of_one_incarnation_is_read_in_order_from_any_position()
    {
        await CommitAsync([.. Enumerable.Range(1, 20).Select(i => Record($"a{i}", "v", Anna, (ulong)i))]);
        await CommitAsync([.. Enumerable.Range(1, 5).Select(i => Record($"b{i}", "v", Boris, (ulong)i))]);
        Assert.Equal(Sequences(1, 20), ReadLog(Anna, 0));
        Assert.Equal(Sequences(8, 20), ReadLog(Anna, 7));
        Assert.Equal(Sequences(1, 5), ReadLog(Boris, 0));
        Assert.Empty(ReadLog(Anna, 20));
        Assert.Empty(ReadLog(Anna, ulong.MaxValue));
        Assert.Empty(ReadLog(new(0xC), 0));
    }

    [Fact]
    public async Task A_log_that_has_a_gap_is_read_up_to_it()
    {
        await CommitAsync(Record("a", "1", Anna, 1), Record("b", "2", Anna, 2), Record("d", "4", Anna, 4));
        Assert.Equal(Sequences(1, 2), ReadLog(Anna, 0));
        Assert.Empty(ReadLog(Anna, 2));
        Assert.Equal(Sequences(4, 4), ReadLog(Anna, 3));
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
    public async Task A_trimmed_part_of_the_log_is_empty_and_the_rest_and_the_records_stay()
    {
        await CommitAsync([.. Enumerable.Range(1, 20).Select(i => Record($"a{i}", "v", Anna, (ulong)i))]);
        await CommitAsync([.. Enumerable.Range(1, 5).Select(i => Record($"b{i}", "v", Boris, (ulong)i))]);
        await _engine.TrimLogAsync(VersionVector.Of(new Dot(Anna, 12)));
        Assert.Empty(ReadLog(Anna, 0));
        Assert.Empty(ReadLog(Anna, 11));
        Assert.Equal(Sequences(13, 20), ReadLog(Anna, 12));
        Assert.Equal(Sequences(1, 5), ReadLog(Boris, 0));
        Assert.Equal(25, _engine.Scan(RingRange.Whole).Count());

        await _engine.TrimLogAsync(VersionVector.Of(new Dot(Anna, 5), new Dot(Boris, 5)));
        await _engine.TrimLogAsync(VersionVector.Of(new Dot(Anna, 20)));
        Assert.Empty(ReadLog(Anna, 19));
        Assert.Empty(ReadLog(Boris, 0));

        await CommitAsync(Record("a21", "v", Anna, 21));
        Assert.Equal(Sequences(21, 21), ReadLog(Anna, 20));
        await ReopenAsync();
        Assert.Equal(Sequences(21, 21), ReadLog(Anna, 20));
        Assert.Equal(26, _engine.Scan(RingRange.Whole).Count());
    }

    [Fact]
    public async Task A_log_trimmed_to_the_end_of_numbers_is_empty()
    {
        await CommitAsync(Record("a", "v", Anna, 1), Record("b", "v", new(ulong.MaxValue), 1));
        await _engine.TrimLogAsync(VersionVector.Of(new Dot(Anna, 1), new Dot(new(ulong.MaxValue), ulong.MaxValue)));
        Assert.Empty(ReadLog(Anna, 0));
        Assert.Empty(ReadLog(new(ulong.MaxValue), 0));
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
        foreach (var name in new[] { "c", "t", "m", "", "name" })
        {
            await _engine.WriteMetaAsync(name, new byte[] { 9 });
            await _engine.WriteMetaAsync(name, new byte[] { 1, (byte)name.Length });
        }

        await _engine.WriteMetaAsync("empty", default);
        await ReopenAsync();
        foreach (var name in new[] { "c", "t", "m", "", "name" }) Assert.Equal([1, (byte)name.Length], _engine.ReadMeta(name)!);
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
        Assert.Throws<ObjectDisposedException>(() => _engine.ReadLog(Anna, 0, 1, 1));
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

    private IEnumerable<ulong> ReadLog(Incarnation origin, ulong after, int maxRecords = 1000, int maxBytes = 1_000_000) =>
        _engine.ReadLog(origin, after, maxRecords, maxBytes).Select(r => r.Dot.Sequence);

    private static IEnumerable<ulong> Sequences(ulong first, ulong last)
    {
        for (var sequence = first; sequence <= last; sequence++) yield return sequence;
    }
}
