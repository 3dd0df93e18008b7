using Kv.Common.Backup;
using Kv.Common.Identity;
using Kv.Node.Backup;

namespace Kv.Node.Tests.Backup;

/// <summary>What is staged comes out in the order of the stamps, and leaves nothing behind.</summary>
public sealed class StagingAreaTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("kv-staging-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData(0)]
    [InlineData(10)]
    [InlineData(3000)]
    public void However_much_there_is_it_comes_out_in_the_order_of_the_stamps(int count)
    {
        File.WriteAllText(Path.Combine(_directory, "left.run"), "by a process that died");
        var random = new Random(count);
        var entries = Enumerable.Range(0, count).Select(i => new BackupEntry(new Key($"key{i}"), new byte[random.Next(200)], new((ulong)random.NextInt64(1, long.MaxValue)))).ToList();
        using (var stage = Area(minFree: 0).TryBegin(null)!)
        {
            Assert.All(entries, entry => Assert.True(stage.TryAdd(entry)));
            Assert.Equal(entries.OrderBy(entry => entry.Stamp).Select(Text), stage.Read().Select(Text));
        }

        Assert.Empty(Directory.EnumerateFiles(_directory));
    }

    [Fact]
    public void Without_room_on_the_disk_nothing_is_staged() => Assert.Null(Area(minFree: long.MaxValue / 2).TryBegin(1));

    private static string Text(BackupEntry entry) => $"{entry.Key} {entry.Value.Length} {entry.Stamp}";

    private StagingArea Area(long minFree) => new(new() { StagingDirectory = _directory, SortBytes = 1 << 16 }, new() { MinFreeBytes = minFree }, null);
}
