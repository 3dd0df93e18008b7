using System.Globalization;
using Kv.Node.Storage;
using Kv.Node.Storage.RocksDb;
using Xunit;

namespace Kv.StorageContract.Crash;

public sealed class RocksDbCrashTests : IDisposable
{
    private const int Kills = 15;

    private readonly TemporaryDirectory _temporary = new();

    [Fact]
    public async Task A_writer_killed_at_any_moment_leaves_every_acknowledged_batch_and_no_part_of_another()
    {
        var figures = await KillRounds.RunAsync(Kills, seed: 20260101, TestContext.Current.CancellationToken);
        Assert.Equal(Kills, figures.Kills);
        Assert.InRange(figures.Acknowledged, (ulong)Kills, ulong.MaxValue);
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
        var acknowledged = await KillRounds.LastLineAsync(writer.StandardOutput, TestContext.Current.CancellationToken);
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
        Assert.Null(engine.Health.Current.Failure);
        Assert.Matches("data row [0-9a-f]{16}6b6579", Assert.Throws<StorageDamagedException>(() => engine.Read(new("key"))).Message);
        Assert.Matches("data row [0-9a-f]{16}6b6579", Assert.Throws<StorageDamagedException>(() => engine.Scan(Common.Topology.RingRange.Whole).Count()).Message);
        Assert.Matches("A read failed: Damaged data row", engine.Health.Current.Failure!.Message);
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
}
