using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Node.Backup;
using Kv.Node.Peers;
using Kv.Node.Replica;
using Kv.Node.Storage;
using Kv.Node.Storage.InMemory;
using Kv.Node.Tests.Replication;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kv.Node.Tests.Backup;

/// <summary>A donor that has a snapshot and waits for whoever makes the backup.</summary>
public sealed class BackupRoomTests : IDisposable
{
    private static readonly ReplicaGroup Group = new(0, new(0));
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private readonly CancellationTokenSource _stop = new();
    private readonly InMemoryDisk _disk = new();
    private readonly TwoReplicas _two = new(new());
    private readonly BackupDonor _donor;

    public BackupRoomTests()
    {
        var storage = new InMemoryStorage(_disk);
        _ = storage.CommitAsync(new([], new Dictionary<Key, WriteRecord>(), ReplicaCheckpoint.Empty with { Place = Group, IsComplete = true })).AsTask();
        var replica = new ReplicaState(_two.Self, _two.Topology, storage, _two.Tokens, TimeProvider.System, new(), _two.Metrics, NullLogger<ReplicaState>.Instance);
        var room = new BackupRoom(replica, new() { RoomInterval = TimeSpan.FromMilliseconds(10) }, TimeProvider.System);
        _donor = new(_two.Self, _two.Topology, replica, _two.NewCatchUp(TimeProvider.System), new(), room, TimeProvider.System, new(), new());
    }

    public void Dispose()
    {
        _stop.Cancel();
        _stop.Dispose();
        _two.Dispose();
    }

    [Fact]
    public async Task A_snapshot_that_nobody_reads_on_is_given_up_when_clients_writes_have_no_room_and_not_before()
    {
        var serving = await ServeUntilPinnedAsync();
        Assert.Equal((1, false), (_donor.Snapshots, serving.IsCompleted));
        _disk.Room = StorageRoom.Reserve;
        var refused = await Assert.ThrowsAsync<BackupRefusedException>(() => serving.WaitAsync(Soon));
        Assert.Contains("no room on its disk", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0, _donor.Snapshots);
    }

    [Fact]
    public async Task Whoever_makes_the_backup_and_breaks_off_is_not_told_of_room()
    {
        var serving = await ServeUntilPinnedAsync();
        _stop.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => serving.WaitAsync(Soon));
        Assert.Equal(0, _donor.Snapshots);
    }

    private async Task<Task> ServeUntilPinnedAsync()
    {
        var (near, far) = InMemoryPeerStream<BackupRequest, BackupPiece>.CreatePair(TwoReplicas.Ben, TwoReplicas.Anna);
        var serving = _donor.ServeAsync(new BackupRequest.Open(default, Group), far, _stop.Token);
        Assert.IsType<BackupPiece.Opened>(await near.ReceiveAsync(_stop.Token));
        await near.SendAsync(new BackupRequest.Pin(VersionVector.Empty), _stop.Token);
        Assert.IsType<BackupPiece.Held>(await near.ReceiveAsync(_stop.Token));
        return serving;
    }
}
