using Kv.Node.Storage;
using Kv.Node.Storage.InMemory;
using Kv.Node.Storage.RocksDb;
using Xunit;

namespace Kv.StorageContract;

/// <summary>How much room an engine says that there is. What is done about it is its caller's.</summary>
public sealed class RoomTests
{
    [Theory]
    [InlineData(0, 0, StorageRoom.Ample)]
    [InlineData(1, 0, StorageRoom.Ample)]
    [InlineData(long.MaxValue, 0, StorageRoom.Reserve)]
    [InlineData(long.MaxValue, long.MaxValue, StorageRoom.None)]
    internal async Task The_free_space_of_the_disk_is_judged_by_the_options(long minFree, long floor, StorageRoom expected)
    {
        using var directory = new TemporaryDirectory();
        var options = RocksDbMedium.Small;
        (options.MinFreeBytes, options.FloorFreeBytes) = (minFree, floor);
        await using var engine = RocksDbStorage.Open(directory.Path, options);
        Assert.Equal(expected, engine.Room);
        // It is said, not enforced: what was begun may be finished.
        await engine.CommitAsync(Make.Batch(engine.Checkpoint, Make.Record("key", "value", Make.Anna, 1)));
    }

    [Fact]
    public void The_twin_says_what_its_disk_says()
    {
        var disk = new InMemoryDisk();
        var engine = new InMemoryStorage(disk);
        Assert.Equal(StorageRoom.Ample, engine.Room);
        disk.Room = StorageRoom.None;
        Assert.Equal(StorageRoom.None, engine.Room);
    }

    [Theory]
    [InlineData(-1, 0)]
    [InlineData(10, 11)]
    [InlineData(10, -1)]
    public void A_floor_above_the_reserve_is_refused(long minFree, long floor) =>
        Assert.NotEmpty(new StorageOptions { MinFreeBytes = minFree, FloorFreeBytes = floor }.Validate());
}
