using Kv.TestSupport;

namespace Kv.Cluster.Tests;

[Collection(nameof(Alone))]
public sealed class FullDiskTests
{
    private const long Reserve = 32L << 20;
    private const long Floor = 16L << 20;

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(15);

    [Fact]
    public async Task A_full_disk_refuses_writes_until_there_is_room_again_and_takes_nothing_from_anybody()
    {
        using var disk = SmallDisk.TryMount(mebibytes: 128);
        if (disk is null) Assert.Skip("Only root may mount a small disk.");
        await using var cluster = await LocalCluster.StartAsync(3, 1, (index, _) => new Dictionary<string, string>
        {
            ["Storage__WriteBufferBytes"] = "1048576",
            ["Storage__WriteAheadLogBytes"] = "1048576",
            ["Storage__MinFreeBytes"] = KvClient.Number(index == 0 ? Reserve : 0),
            ["Storage__FloorFreeBytes"] = KvClient.Number(index == 0 ? Floor : 0),
            ["KV_DATA_DIR"] = index == 0 ? Path.Combine(disk.Path, "node") : Path.Combine(Path.GetTempPath(), $"kv-full-{Guid.NewGuid():N}"),
        });
        try
        {
            await RunAsync(cluster, disk);
        }
        finally
        {
            foreach (var node in cluster.Nodes.Skip(1))
            {
                await node.Process.KillAsync();
                Directory.Delete(node.DataDirectory, recursive: true);
            }

            await cluster.Nodes[0].Process.KillAsync();
        }
    }

    private static async Task RunAsync(LocalCluster cluster, SmallDisk disk)
    {
        var (full, other) = (cluster[0], cluster[1]);
        await UntilAsync(full, "before", "1", 201);
        await UntilHeldByAllAsync(cluster, "before");

        // The reserve is reached: clients are refused, reads go on, and what others wrote is taken in.
        disk.FillTo(Reserve - (8L << 20));
        await UntilAsync(full, "refused", "1", 507);
        var refused = await full.Client.PutAsync("refused", "1");
        Assert.True(refused is { Status: 507, Error: "Disk is full", Message: "Error in PUT" }, refused.ToString());
        Assert.Equal(507, (await full.Client.DeleteAsync("before")).Status);
        Assert.Equal("1", (await full.Client.GetAsync("before")).RawValue);
        Assert.Equal(200, (await full.Client.GetPathAsync("/readyz")).Status);
        Assert.Equal(201, (await other.Client.PutAsync("reserve", "2", query: "?w=all")).Status);
        Assert.Equal("2", (await full.Client.GetAsync("reserve")).RawValue);

        // So is the floor: what others write waits in their logs.
        disk.FillTo(Floor - (6L << 20));
        Assert.Equal(507, (await full.Client.PutAsync("refused", "2")).Status);
        Assert.Equal(201, (await other.Client.PutAsync("floor", "3")).Status);
        await Eventually.NeverAsync(
            async () => await full.Probe.DotAsync("floor") is { } dot ? $"{dot} was taken in" : full.IsRunning ? null : full.Process.LogTail, TimeSpan.FromSeconds(1));
        Assert.Equal("2", (await full.Client.GetAsync("reserve")).RawValue);

        // There is room again, and nobody has to do anything.
        disk.Clear();
        await UntilAsync(full, "after", "4", 201);
        foreach (var key in new[] { "before", "reserve", "floor", "after" }) await UntilHeldByAllAsync(cluster, key);
        foreach (var node in cluster.Nodes)
        {
            Assert.Equal(404, (await node.Client.GetAsync("refused")).Status);
            Assert.Equal(4, await node.Client.KeyCountAsync("0"));
        }
    }

    private static async Task UntilAsync(LocalNode node, string key, string json, int status) => await Eventually.Async(
        async () => (await node.Client.PutAsync(key, json)).Status, seen => seen == status || seen == 200, Soon, $"a write is answered {status}");

    private static async Task UntilHeldByAllAsync(LocalCluster cluster, string key) => await Eventually.Async(
        async () => (await Task.WhenAll(cluster.Nodes.Select(node => node.Probe.DotAsync(key)))).Distinct().ToList(), dots => dots is [not null], Soon, $"all hold {key} alike");
}
