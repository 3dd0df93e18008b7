using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Storage;
using Kv.Node.Storage.InMemory;
using Xunit;
using static Kv.StorageContract.Make;

namespace Kv.StorageContract.Crash;

public sealed class InMemoryDiskTests
{
    private readonly InMemoryDisk _disk = new();

    [Theory]
    [InlineData((int)DiskStep.Write, 0, false)]
    [InlineData((int)DiskStep.Sync, 0, false)]
    [InlineData((int)DiskStep.Sync, 1, true)]
    [InlineData((int)DiskStep.Acknowledge, 0, true)]
    public async Task A_crash_before_a_step_keeps_what_was_synced_and_what_happened_to_survive(int step, int surviving, bool kept)
    {
        await using var engine = new InMemoryStorage(_disk);
        await engine.CommitAsync(Batch(engine.Checkpoint, Record("key", "old", Anna, 1)));
        _disk.OnStep = at =>
        {
            if (at == (DiskStep)step) _disk.Crash(surviving);
            return ValueTask.CompletedTask;
        };
        await Assert.ThrowsAsync<StorageFailedException>(async () => await engine.CommitAsync(Batch(engine.Checkpoint, Record("key", "new", Anna, 2))));
        _disk.OnStep = null;

        await using var reopened = new InMemoryStorage(_disk);
        Assert.Equal(kept ? 2ul : 1ul, reopened.Read(new Key("key"))!.Dot.Sequence);
        Assert.Equal(kept ? 2ul : 1ul, reopened.Checkpoint.Vector[Anna]);
        Assert.Equal(kept ? 2 : 1, reopened.ReadLog(Anna, 0, 10, 10, 1000)!.Records.Count);
    }

    [Theory]
    [InlineData((int)DiskStep.Write, 0, false)]
    [InlineData((int)DiskStep.Sync, 0, false)]
    [InlineData((int)DiskStep.Sync, 1, true)]
    [InlineData((int)DiskStep.Acknowledge, 0, true)]
    public async Task A_crash_in_a_step_that_drops_ranges_leaves_all_of_it_or_none(int step, int surviving, bool done)
    {
        await using var engine = new InMemoryStorage(_disk);
        var (old, stays) = (Record("old", "v", Anna, 1), Record("new", "v", Anna, 2));
        await engine.CommitAsync(Batch(engine.Checkpoint, old) with { Arcs = new Dictionary<int, ArcSummary> { [HashRing.ArcOf(old.Key.Position)] = ArcSummary.Of(old) } });
        _disk.OnStep = at =>
        {
            if (at == (DiskStep)step) _disk.Crash(surviving);
            return ValueTask.CompletedTask;
        };
        var batch = Batch(engine.Checkpoint, stays) with
        {
            Dropped = [RingRange.Whole],
            Arcs = new Dictionary<int, ArcSummary> { [HashRing.ArcOf(old.Key.Position)] = default, [HashRing.ArcOf(stays.Key.Position)] = ArcSummary.Of(stays) },
        };
        await Assert.ThrowsAsync<StorageFailedException>(async () => await engine.CommitAsync(batch));
        _disk.OnStep = null;

        await using var reopened = new InMemoryStorage(_disk);
        var expected = done ? stays : old;
        Assert.Equal(Text(expected), Text(Assert.Single(reopened.Scan(RingRange.Whole))));
        Assert.Equal([KeyValuePair.Create(HashRing.ArcOf(expected.Key.Position), ArcSummary.Of(expected))], reopened.ReadArcs()!);
        Assert.Equal(done ? 2 : 1, reopened.ReadLog(Anna, 0, 2, 10, 1000)!.Records.Count);
    }

    [Theory]
    [InlineData((int)DiskStep.Write)]
    [InlineData((int)DiskStep.Sync)]
    public async Task After_an_IO_error_the_engine_refuses_every_further_write(int step)
    {
        await using var engine = new InMemoryStorage(_disk);
        _disk.OnStep = at => at == (DiskStep)step ? throw new IOException("No space left on device") : ValueTask.CompletedTask;
        var failure = await Assert.ThrowsAsync<StorageFailedException>(async () => await engine.CommitAsync(Batch(engine.Checkpoint, Record("key", "v", Anna, 1))));
        Assert.Contains("No space left on device", failure.Message);
        _disk.OnStep = null;
        await Assert.ThrowsAsync<StorageFailedException>(async () => await engine.CommitAsync(Batch(engine.Checkpoint, Record("key", "v", Anna, 1))));
        await Assert.ThrowsAsync<StorageFailedException>(async () => await engine.WriteMetaAsync("name", default));
        Assert.Null(engine.Read(new Key("key")));
    }

    [Fact]
    public async Task A_write_is_visible_only_once_it_is_synced()
    {
        var sync = new TaskCompletionSource();
        await using var engine = new InMemoryStorage(_disk);
        _disk.OnStep = at => at == DiskStep.Sync ? new(sync.Task) : ValueTask.CompletedTask;
        var commit = engine.CommitAsync(Batch(engine.Checkpoint, Record("key", "v", Anna, 1))).AsTask();
        Assert.False(commit.IsCompleted);
        Assert.Equal(1, _disk.UnsyncedWrites);
        Assert.Null(engine.Read(new Key("key")));
        Assert.Empty(engine.ReadLog(Anna, 0, 10, 10, 1000)!.Records);
        Assert.Equal(ReplicaCheckpoint.Empty, engine.Checkpoint);
        sync.SetResult();
        await commit;
        Assert.NotNull(engine.Read(new Key("key")));
    }

    [Fact]
    public async Task A_named_value_and_a_commit_that_overlap_are_both_kept()
    {
        var commitIsWritten = new TaskCompletionSource();
        await using var engine = new InMemoryStorage(_disk);
        _disk.OnStep = at => at == DiskStep.Sync ? new(commitIsWritten.Task) : ValueTask.CompletedTask;
        var commit = engine.CommitAsync(Batch(engine.Checkpoint, Record("key", "v", Anna, 1))).AsTask();
        _disk.OnStep = null;
        await engine.WriteMetaAsync("name", new byte[] { 1 });
        commitIsWritten.SetResult();
        await commit;
        Assert.NotNull(engine.Read(new Key("key")));
        Assert.Equal(new byte[] { 1 }, engine.ReadMeta("name"));
    }

    [Fact]
    public async Task An_engine_whose_disk_was_taken_over_can_no_longer_change_it()
    {
        var sync = new TaskCompletionSource();
        var old = new InMemoryStorage(_disk);
        _disk.OnStep = at => at == DiskStep.Sync ? new(sync.Task) : ValueTask.CompletedTask;
        var commit = old.CommitAsync(Batch(old.Checkpoint, Record("key", "late", Anna, 1))).AsTask();
        _disk.OnStep = null;
        await using var engine = new InMemoryStorage(_disk);
        sync.SetResult();
        await Assert.ThrowsAsync<StorageFailedException>(() => commit);
        Assert.Null(engine.Read(new Key("key")));
        await engine.CommitAsync(Batch(engine.Checkpoint, Record("key", "new", Anna, 1)));
        await using var reopened = new InMemoryStorage(_disk);
        Assert.Equal("new"u8, reopened.Read(new Key("key"))!.Value.Span);
    }

    [Fact]
    public async Task An_unsynced_trim_may_be_lost_and_is_kept_by_the_next_sync()
    {
        var batch = Batch(ReplicaCheckpoint.Empty, Record("a", "1", Anna, 1), Record("b", "2", Anna, 2));
        var engine = new InMemoryStorage(_disk);
        await engine.CommitAsync(batch);
        await engine.TrimLogAsync(batch.Checkpoint.Vector);
        Assert.Null(engine.ReadLog(Anna, 0, 10, 10, 1000));
        engine = new InMemoryStorage(_disk);
        Assert.Equal(2, engine.ReadLog(Anna, 0, 10, 10, 1000)!.Records.Count);
        await engine.TrimLogAsync(batch.Checkpoint.Vector);
        await engine.WriteMetaAsync("name", default);
        engine = new InMemoryStorage(_disk);
        Assert.Null(engine.ReadLog(Anna, 0, 10, 10, 1000));
    }
}
