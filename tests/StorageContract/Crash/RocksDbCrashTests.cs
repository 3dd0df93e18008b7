using System.Globalization;
using Kv.Node.Storage;
using Kv.Node.Storage.RocksDb;
using Xunit;

namespace Kv.StorageContract.Crash;

public sealed class RocksDbCrashTests : IDisposable
{
    private const int Kills = 30;

    private readonly TemporaryDirectory _temporary = new();

    [Fact]
    public async Task A_writer_killed_at_any_moment_leaves_every_acknowledged_batch_and_no_part_of_another()
    {
        const int Seed = 20260101;
        var random = new Random(Seed);
        var directory = _temporary.Under("store");
        var plan = new BatchPlan(Seed);
        for (var kill = 0; kill < Kills; kill++)
        {
            var acknowledged = await WriteAndKillAsync(directory, Seed, random.Next(1, 120));
            await using var engine = RocksDbStorage.Open(directory, RocksDbMedium.Small);
            var held = engine.Checkpoint.Clock.Packed;
            // The writer waits for each batch before it starts the next, so at most one was under way.
            Assert.InRange(held, acknowledged, acknowledged + 1);
            plan.AdvanceTo(held);
            plan.AssertHeldBy(engine, Victim.KeptInLog);
        }
    }

    [Fact]
    public async Task A_torn_end_of_the_write_ahead_log_costs_only_the_batches_it_held()
    {
        const int Seed = 7;
        const ulong Batches = 12;
        var original = await WriteAsync(_temporary.Under("store"), Seed, Batches);
        var length = new FileInfo(NewestWriteAheadLog(original)).Length;
        var last = Batches;
        for (var (cut, copy) = (1L, 0); cut < length; cut += 1 + (cut / 3), copy++)
        {
            var store = _temporary.CopyOf(original, $"cut{copy}");
            using (var file = File.OpenWrite(NewestWriteAheadLog(store))) file.SetLength(length - cut);
            var held = await CheckPrefixAsync(store, Seed);
            if (copy == 0) Assert.Equal(Batches - 1, held);
            Assert.True(held <= last, "a longer log holds less");
            last = held;
        }
    }

    [Theory]
    [InlineData(0x00)]
    [InlineData(0xA5)]
    public async Task Rubbish_at_the_end_of_the_write_ahead_log_costs_only_the_batches_it_overwrote(byte rubbish)
    {
        const int Seed = 8;
        const ulong Batches = 12;
        var store = await WriteAsync(_temporary.Under("store"), Seed, Batches);
        using (var file = File.OpenWrite(NewestWriteAheadLog(store)))
        {
            var tail = new byte[100];
            Array.Fill(tail, rubbish);
            file.Seek(-20, SeekOrigin.End);
            file.Write(tail);
        }

        Assert.Equal(Batches - 1, await CheckPrefixAsync(store, Seed));
    }

    [Fact]
    public async Task Every_commit_is_synced()
    {
        var options = RocksDbMedium.Small;
        options.CollectStatistics = true;
        await using var engine = RocksDbStorage.Open(_temporary.Under("store"), options);
        var before = Syncs(engine);
        var plan = new BatchPlan(1);
        for (var batch = 0; batch < 10; batch++) await engine.CommitAsync(plan.Next());
        await engine.WriteMetaAsync("name", default);
        Assert.Equal(before + 11, Syncs(engine));

        static long Syncs(RocksDbStorage engine)
        {
            var line = engine.Statistics().Split('\n').Single(l => l.StartsWith("rocksdb.wal.synced ", StringComparison.Ordinal));
            return long.Parse(line[(line.LastIndexOf(':') + 1)..], CultureInfo.InvariantCulture);
        }
    }

    [Fact]
    public async Task A_full_disk_fails_the_commit_and_all_after_it_and_loses_nothing_acknowledged()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The limit is set through the shell.");
        const int Seed = 9;
        var directory = _temporary.Under("store");
        using var writer = Victim.StartWithFileLimit(300, Victim.WriteBatches, directory, $"{Seed}");
        var acknowledged = await LastLineAsync(writer.StandardOutput);
        await writer.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(Victim.StorageFailed, writer.ExitCode);
        Assert.InRange(acknowledged, 1ul, ulong.MaxValue);
        Assert.InRange(await CheckPrefixAsync(directory, Seed, Victim.KeptInLog), acknowledged, acknowledged + 1);
    }

    [Fact]
    public async Task A_damaged_row_is_a_failure_that_names_it()
    {
        var directory = await WriteAsync(_temporary.Under("store"), 1, 3);
        using (var database = RocksDbSharp.RocksDb.Open(Tables.ConfigureDatabase(new()), directory, Tables.Configure(new())))
            database.Put(RowKeys.Data(new("key"), new byte[64]), [1, 2, 3], database.GetColumnFamily(Tables.Data));
        await using var engine = RocksDbStorage.Open(directory, new());
        Assert.Matches("data row [0-9a-f]{16}6b6579", Assert.Throws<StorageFailedException>(() => engine.Read(new("key"))).Message);
        Assert.Matches("data row [0-9a-f]{16}6b6579", Assert.Throws<StorageFailedException>(() => engine.Scan(Common.Topology.RingRange.Whole).Count()).Message);
    }

    [Fact]
    public async Task Closing_waits_for_a_scan_under_way_and_admits_no_further_read()
    {
        var directory = await WriteAsync(_temporary.Under("store"), 1, 20);
        var engine = RocksDbStorage.Open(directory, new());
        Task closing;
        using (var scan = engine.Scan(Common.Topology.RingRange.Whole).GetEnumerator())
        {
            Assert.True(scan.MoveNext());
            closing = engine.DisposeAsync().AsTask();
            Assert.False(closing.IsCompleted);
            Assert.Throws<ObjectDisposedException>(() => engine.Read(new("key1")));
            Assert.True(scan.MoveNext());
        }

        await closing;
        await engine.DisposeAsync();
    }

    [Fact]
    public async Task A_store_that_is_open_cannot_be_opened_again()
    {
        var directory = _temporary.Under("store");
        await using var engine = RocksDbStorage.Open(directory, new());
        Assert.Contains("cannot be opened", Assert.Throws<StorageFailedException>(() => RocksDbStorage.Open(directory, new())).Message);
    }

    public void Dispose() => _temporary.Dispose();

    private static async Task<ulong> WriteAndKillAsync(string directory, int seed, int after)
    {
        using var writer = Victim.Start(Victim.WriteBatches, directory, $"{seed}");
        var last = "0";
        for (var line = 0; line < after; line++)
            last = await writer.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) ?? throw new InvalidOperationException($"The writer ended by itself after {last}.");
        writer.Kill();
        var acknowledged = Math.Max(ulong.Parse(last, CultureInfo.InvariantCulture), await LastLineAsync(writer.StandardOutput));
        await writer.WaitForExitAsync(TestContext.Current.CancellationToken);
        return acknowledged;
    }

    // The last line may be cut short, and then it names an earlier batch.
    private static async Task<ulong> LastLineAsync(StreamReader output)
    {
        var last = 0ul;
        while (await output.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
        {
            if (ulong.TryParse(line, CultureInfo.InvariantCulture, out var number)) last = Math.Max(last, number);
        }

        return last;
    }

    private static async Task<string> WriteAsync(string directory, int seed, ulong batches)
    {
        await using var engine = RocksDbStorage.Open(directory, new());
        var plan = new BatchPlan(seed);
        while (plan.Number < batches) await engine.CommitAsync(plan.Next());
        return directory;
    }

    /// <summary>The store holds the batches up to some number, which is returned, wholly and nothing else, and goes on from there.</summary>
    private static async Task<ulong> CheckPrefixAsync(string store, int seed, ulong keptInLog = ulong.MaxValue)
    {
        await using var engine = RocksDbStorage.Open(store, new());
        var plan = new BatchPlan(seed);
        var held = engine.Checkpoint.Clock.Packed;
        plan.AdvanceTo(held);
        plan.AssertHeldBy(engine, keptInLog);
        await engine.CommitAsync(plan.Next());
        plan.AssertHeldBy(engine, keptInLog);
        return held;
    }

    private static string NewestWriteAheadLog(string store) => Directory.GetFiles(store, "*.log").Order(StringComparer.Ordinal).Last();
}
