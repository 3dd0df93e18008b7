using Kv.Node.Storage;
using Kv.Node.Storage.RocksDb;
using Xunit;

namespace Kv.StorageContract.Crash;

/// <summary>A write that a crash tore is dropped; a log that lacks anything acknowledged is refused, and left as it is.</summary>
public sealed class TornLogTests : IDisposable
{
    private const int Seed = 7;
    private const ulong Batches = 12;

    private readonly TemporaryDirectory _temporary = new();

    [Fact]
    public async Task A_log_that_ends_anywhere_in_its_last_unacknowledged_write_opens_without_that_write()
    {
        var (original, before) = await WriteAsync(lastIsAcknowledged: false);
        var length = new FileInfo(LogOf(original)).Length;
        for (var (cut, copy) = (1L, 0); cut <= length - before; cut += 1 + (cut / 3), copy++)
        {
            var store = _temporary.CopyOf(original, $"cut{copy}");
            using (var file = File.OpenWrite(LogOf(store))) file.SetLength(length - cut);
            Assert.Equal(Batches - 1, await CheckAsync(store, wasTorn: true));
        }

        Assert.Equal(Batches, await CheckAsync(original, wasTorn: false));
    }

    [Theory]
    [InlineData(0x00)]
    [InlineData(0xA5)]
    public async Task Rubbish_in_place_of_the_last_unacknowledged_write_costs_only_that_write(byte rubbish)
    {
        var (store, before) = await WriteAsync(lastIsAcknowledged: false);
        Overwrite(store, before + 10, rubbish);
        Assert.Equal(Batches - 1, await CheckAsync(store, wasTorn: true));
    }

    [Fact]
    public async Task A_log_that_ends_in_or_before_its_last_acknowledged_write_is_refused()
    {
        var (original, _) = await WriteAsync(lastIsAcknowledged: true);
        var length = new FileInfo(LogOf(original)).Length;
        for (var (cut, copy) = (1L, 0); cut <= length; cut += 1 + (cut / 3), copy++)
        {
            var store = _temporary.CopyOf(original, $"cut{copy}");
            using (var file = File.OpenWrite(LogOf(store))) file.SetLength(length - cut);
            AssertRefused(store);
        }
    }

    [Fact]
    public async Task A_log_that_ends_between_two_acknowledged_writes_is_refused_although_nothing_in_it_is_torn()
    {
        var ends = new List<long>();
        var (original, _) = await WriteAsync(lastIsAcknowledged: true, ends);
        foreach (var (end, copy) in ends.SkipLast(1).Select((end, copy) => (end, copy)))
        {
            var store = _temporary.CopyOf(original, $"end{copy}");
            using (var file = File.OpenWrite(LogOf(store))) file.SetLength(end);
            // What is there was sound, so it may have been moved to sorted files by now.
            AssertRefused(store, leavesFiles: false);
        }
    }

    [Fact]
    public async Task Damage_anywhere_before_the_last_write_is_refused_even_if_that_one_was_not_acknowledged()
    {
        var (original, before) = await WriteAsync(lastIsAcknowledged: false);
        for (var (at, copy) = (3L, 0); at < before; at += before / 40, copy++)
        {
            var store = _temporary.CopyOf(original, $"at{copy}");
            Overwrite(store, at, 0x5A, 2);
            AssertRefused(store);
        }
    }

    [Fact]
    public async Task A_log_that_is_gone_is_refused()
    {
        var (store, _) = await WriteAsync(lastIsAcknowledged: true);
        File.Delete(LogOf(store));
        AssertRefused(store, leavesFiles: false);
    }

    [Fact]
    public async Task A_store_without_its_mark_is_refused_and_one_from_before_there_were_marks_gets_one()
    {
        var (store, _) = await WriteAsync(lastIsAcknowledged: true);
        File.Delete(Path.Combine(store, Watermark.FileName));
        Assert.Contains("WATERMARK is missing", Assert.Throws<StorageDamagedException>(() => RocksDbStorage.Open(store, new())).Message);
        using (var database = RocksDbSharp.RocksDb.Open(Tables.ConfigureDatabase(new()), store, Tables.Configure(new()))) database.Remove(RowKeys.IsMarked.ToArray());
        Assert.Equal(Batches, await CheckAsync(store, wasTorn: false));
        Assert.NotNull(Watermark.Read(store));
    }

    [Fact]
    public async Task A_mark_that_is_torn_is_read_from_its_other_half()
    {
        var (store, _) = await WriteAsync(lastIsAcknowledged: true);
        var path = Path.Combine(store, Watermark.FileName);
        var whole = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
        foreach (var slot in new[] { 0, 4096 })
        {
            var torn = (byte[])whole.Clone();
            torn[slot + 12] ^= 1;
            await File.WriteAllBytesAsync(path, torn, TestContext.Current.CancellationToken);
            Assert.InRange(Watermark.Read(store)!.Value, 1ul, ulong.MaxValue);
        }

        whole[12] ^= 1;
        whole[4096 + 12] ^= 1;
        await File.WriteAllBytesAsync(path, whole, TestContext.Current.CancellationToken);
        Assert.Contains("neither of its marks can be read", Assert.Throws<StorageDamagedException>(() => RocksDbStorage.Open(store, new())).Message);
    }

    [Fact]
    public async Task A_store_whose_CURRENT_is_missing_is_not_taken_for_a_new_one()
    {
        var (store, _) = await WriteAsync(lastIsAcknowledged: true);
        File.Delete(Path.Combine(store, "CURRENT"));
        Assert.Contains("CURRENT is missing", Assert.Throws<StorageDamagedException>(() => RocksDbStorage.Open(store, new())).Message);
    }

    public void Dispose() => _temporary.Dispose();

    /// <summary>A store with all its batches in one log file, and where in it the last one begins. That one's news may have been lost with the process: the mark is as it was before it.</summary>
    private async Task<(string Store, long LastBegins)> WriteAsync(bool lastIsAcknowledged, List<long>? ends = null)
    {
        var store = _temporary.Under("store");
        var mark = Path.Combine(store, Watermark.FileName);
        byte[] before;
        long begins;
        await using (var engine = RocksDbStorage.Open(store, new()))
        {
            var plan = new BatchPlan(Seed);
            while (plan.Number < Batches - 1)
            {
                await engine.CommitAsync(plan.Next());
                ends?.Add(new FileInfo(LogOf(store)).Length);
            }

            before = await File.ReadAllBytesAsync(mark, TestContext.Current.CancellationToken);
            begins = new FileInfo(LogOf(store)).Length;
            await engine.CommitAsync(plan.Next());
            ends?.Add(new FileInfo(LogOf(store)).Length);
        }

        if (!lastIsAcknowledged) await File.WriteAllBytesAsync(mark, before, TestContext.Current.CancellationToken);
        return (store, begins);
    }

    private static void Overwrite(string store, long at, byte rubbish, int length = 100)
    {
        var bytes = new byte[length];
        Array.Fill(bytes, rubbish);
        using var file = File.OpenWrite(LogOf(store));
        file.Seek(at, SeekOrigin.Begin);
        file.Write(bytes);
    }

    /// <summary>The store holds the batches up to some number, which is returned, wholly and nothing else, and goes on from there, now and after another start.</summary>
    private static async Task<ulong> CheckAsync(string store, bool wasTorn)
    {
        var plan = new BatchPlan(Seed);
        ulong held;
        await using (var engine = RocksDbStorage.Open(store, new()))
        {
            Assert.Equal(wasTorn, engine.WasTorn);
            held = engine.Checkpoint.Clock.Packed;
            plan.AdvanceTo(held);
            plan.AssertHeldBy(engine, ulong.MaxValue);
            await engine.CommitAsync(plan.Next());
            plan.AssertHeldBy(engine, ulong.MaxValue);
        }

        await using var again = RocksDbStorage.Open(store, new());
        Assert.False(again.WasTorn);
        plan.AssertHeldBy(again, ulong.MaxValue);
        return held;
    }

    private static void AssertRefused(string store, bool leavesFiles = true)
    {
        var files = Files(store);
        for (var attempt = 0; attempt < 2; attempt++)
        {
            var refused = Assert.Throws<StorageDamagedException>(() => RocksDbStorage.Open(store, new()));
            Assert.DoesNotContain('\n', refused.Message);
        }

        if (leavesFiles) Assert.Subset(Files(store), files);
    }

    // What holds data, by name and length.
    private static HashSet<string> Files(string store) =>
        [.. Directory.GetFiles(store).Where(file => Path.GetExtension(file) is ".log" or ".sst").Select(file => $"{Path.GetFileName(file)} {new FileInfo(file).Length}")];

    private static string LogOf(string store) => Directory.GetFiles(store, "*.log").Single();
}
