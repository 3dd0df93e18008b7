using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Node.Replica;
using Kv.Node.Storage;
using Kv.Node.Storage.InMemory;
using Kv.Node.Tests.Replication;
using Kv.Node.Tests.VirtualTime;

namespace Kv.Node.Tests.Replica;

/// <summary>What the writer takes in when its disk is about to be full, and when more comes than it can do.</summary>
public sealed class WriterLimitsTests : IDisposable
{
    private readonly VirtualClock _clock = new();
    private readonly ReplicaOptions _options = new() { MailboxCapacity = 3, MaxGroupCommit = 2 };
    private readonly CancellationTokenSource _stop = new();
    private readonly TwoReplicas _two;
    private readonly VirtualProcess _process;
    private readonly Task _running;
    private TaskCompletionSource _synced = new();

    public WriterLimitsTests()
    {
        _two = new(_clock, _options);
        _process = _clock.NewProcess();
        _running = _process.Start(() => _two.Replica.RunAsync(_stop.Token));
        _clock.Settle();
    }

    public void Dispose()
    {
        _stop.Dispose();
        _two.Dispose();
    }

    [Fact]
    public async Task A_reserve_is_kept_for_what_peers_send_and_what_was_refused_was_not_written()
    {
        _two.Disk.Room = StorageRoom.Reserve;
        var refused = Write("refused");
        var delivered = Deliver();
        _clock.Settle();
        await Done(delivered);
        Assert.IsType<CommitResult.DiskFull>(await Done(refused));
        Assert.Equal(TwoReplicas.OfBen, _two.Replica.Snapshot.Current.Vector);

        _two.Disk.Room = StorageRoom.Ample;
        var written = Write("written");
        _clock.Settle();
        Assert.Equal(1ul, Assert.IsType<CommitResult.Committed>(await Done(written)).Record.Dot.Sequence);
        Assert.Null(_two.Replica.Read(new Key("refused")));
    }

    [Fact]
    public async Task Without_room_nothing_is_lost_that_peers_sent_and_clients_hear_at_once()
    {
        _two.Disk.Room = StorageRoom.None;
        // The first one finds a writer that does not know yet.
        var first = Write("first");
        _clock.Settle();
        Assert.IsType<CommitResult.DiskFull>(await Done(first));
        var delivered = Deliver();
        var second = Write("second");
        Assert.IsType<CommitResult.DiskFull>(await Done(second));
        _clock.Advance(TimeSpan.FromMinutes(1));
        await Done(delivered);
        Assert.Equal(VersionVector.Empty, _two.Replica.Snapshot.Current.Vector);
        Assert.Null(_two.Replica.Read(new Key("key")));

        _two.Disk.Room = StorageRoom.Ample;
        _clock.Advance(_options.RoomInterval);
        Assert.Equal(TwoReplicas.OfBen, _two.Replica.Snapshot.Current.Vector);
        Assert.NotNull(_two.Replica.Read(new Key("key")));
        var third = Write("third");
        _clock.Settle();
        Assert.IsType<CommitResult.Committed>(await Done(third));
    }

    [Fact]
    public async Task A_writer_that_waits_for_room_can_be_stopped_and_ends_what_it_put_off()
    {
        _two.Disk.Room = StorageRoom.None;
        var asked = _process.Start(() => _two.Replica.MarkCompleteAsync(_two.Replica.Snapshot.Current.Place!.Value).AsTask());
        _clock.Advance(_options.RoomInterval);
        Assert.False(asked.IsCompleted);
        _stop.Cancel();
        _clock.Settle();
        await Done(_running);
        Assert.True(asked.IsCanceled);
    }

    [Fact]
    public async Task A_full_mailbox_refuses_clients_and_lets_peers_wait_for_the_next_place()
    {
        Hold();
        var first = Write("first");
        _clock.Settle();
        Task<CommitResult>[] queued = [Write("a"), Write("b"), Write("c")];
        _clock.Settle();
        var refused = Write("refused");
        _clock.Settle();
        Assert.IsType<CommitResult.Overloaded>(await Done(refused));
        var delivered = Deliver();
        _clock.Settle();
        Assert.False(delivered.IsCompleted);

        Release();
        _clock.Settle();
        await Done(delivered);
        foreach (var write in queued.Append(first)) Assert.IsType<CommitResult.Committed>(await Done(write));
        Assert.True(_two.Replica.Snapshot.Current.Vector.Covers(TwoReplicas.OfBen));
        Assert.Null(_two.Replica.Read(new Key("refused")));
    }

    [Fact]
    public async Task A_group_commit_ends_with_the_record_that_fills_its_bytes()
    {
        Hold();
        _options.MaxGroupCommitBytes = 1000;
        var first = Write("first");
        _clock.Settle();
        var (large, small) = (Write("large", new byte[2000]), Write("small"));
        _clock.Settle();
        ReleaseOne();
        _clock.Settle();
        Assert.True(first.IsCompleted);
        ReleaseOne();
        _clock.Settle();
        Assert.True(large.IsCompleted);
        Assert.False(small.IsCompleted);
        Release();
        _clock.Settle();
        Assert.IsType<CommitResult.Committed>(await Done(small));
    }

    private static Task<T> Done<T>(Task<T> task)
    {
        Assert.True(task.IsCompleted);
        return task;
    }

    private static Task Done(Task task)
    {
        Assert.True(task.IsCompleted);
        return task;
    }

    private Task<CommitResult> Write(string key, byte[]? value = null)
    {
        var write = _process.Start(() => _two.Replica.CommitAsync(new(new Key(key), value ?? "1"u8.ToArray(), false, CausalToken.None)).AsTask());
        _process.RunReady();
        return write;
    }

    private Task Deliver() => _process.Start(() => _two.Replica.DeliverAsync([Passage.Of(_two.WriteOfBen())], _two.Topology.Current.Scope).AsTask());

    // The disk takes as long as the test wants.
    private void Hold() => _two.Disk.OnStep = step => step is DiskStep.Sync ? new(_synced.Task) : ValueTask.CompletedTask;

    private void ReleaseOne()
    {
        var synced = _synced;
        _synced = new();
        _process.Post(_ => synced.SetResult(), null);
    }

    private void Release()
    {
        _two.Disk.OnStep = null;
        _process.Post(_ => _synced.SetResult(), null);
    }
}
