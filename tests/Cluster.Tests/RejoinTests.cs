using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Kv.TestSupport;

namespace Kv.Cluster.Tests;

/// <summary>A node that was away for longer than the others' logs reach back.</summary>
[Collection(nameof(Alone))]
public sealed class RejoinTests
{
    // Of the size of a test, unless it is asked for more: REJOIN_WRITES=100000 takes a minute.
    private static readonly int Writes = int.Parse(Environment.GetEnvironmentVariable("REJOIN_WRITES") ?? "25000", CultureInfo.InvariantCulture);
    private static readonly int Deleted = Writes / 10;
    private static readonly int Before = Deleted * 6 / 5;
    private static readonly int Keys = Writes / 2;
    private static readonly int LogBound = Writes / 5;

    private const int Workers = 48;

    private static readonly Dictionary<string, string> ShortLog = new()
    {
        ["Retention__ReviewInterval"] = "00:00:00.500",
        ["Retention__TombstoneInterval"] = "00:00:02",
        ["Retention__MaxLogRecords"] = KvClient.Number(LogBound),
        // A deletion is remembered for as long as the log has a write of its key, and of what is left below this nobody writes more here.
        ["Retention__MinTrimRecords"] = "1",
        ["Retention__DemoteAfter"] = "00:00:03",
    };

    [Fact]
    public async Task A_node_that_slept_through_more_than_the_log_reaches_back_is_equal_within_30_seconds_and_no_deleted_key_comes_back()
    {
        await using var cluster = await LocalCluster.StartAsync(3, 1, (_, _) => ShortLog);
        await cluster.UntilSealedAsync();
        await AllAsync(Before, (client, i) => client.PutAsync($"old-{i}", $"{i}"), [cluster[0], cluster[1], cluster[2]]);
        await UntilAsync(cluster[2], IsConverged, TimeSpan.FromSeconds(15), "all replicas are equal");

        var sleeper = cluster[2];
        await sleeper.Process.KillAsync();
        await LocalCluster.UntilViewAsync(cluster[0], [cluster[0].Address, cluster[1].Address], TimeSpan.FromSeconds(10));
        await LocalCluster.UntilViewAsync(cluster[1], [cluster[0].Address, cluster[1].Address], TimeSpan.FromSeconds(10));
        await AllAsync(Deleted, (client, i) => client.DeleteAsync($"old-{i}"), [cluster[0], cluster[1]]);
        await AllAsync(Writes, (client, i) => client.PutAsync($"new-{i % Keys}", $"{i}"), [cluster[0], cluster[1]]);

        // The log is bounded: the sleeper has lost its place, and what the others hold is trimmed.
        await Eventually.Async(async () => (await cluster[0].Client.MembersAsync("0")).Count, members => members == 2, TimeSpan.FromSeconds(30), "the sleeper is no member");
        foreach (var node in cluster.Nodes.Take(2))
            await Eventually.Async(() => LogRecordsAsync(node), records => records <= LogBound, TimeSpan.FromSeconds(15), $"the log of {node.Address} is trimmed");

        var clock = Stopwatch.StartNew();
        await sleeper.Process.DisposeAsync();
        sleeper.Start();
        foreach (var node in cluster.Nodes) await UntilAsync(node, IsConverged, TimeSpan.FromSeconds(30) - clock.Elapsed, "all replicas are equal");
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(30), $"it took {clock.Elapsed}");
        Assert.Contains("pulled once more", sleeper.Process.Log, StringComparison.Ordinal);

        // Nothing that was deleted is back, now or when the deletions themselves are forgotten.
        await CheckAsync(sleeper);
        foreach (var node in cluster.Nodes) await UntilAsync(node, answer => IsConverged(answer) && Replicas(answer).All(replica => replica.GetProperty("tombstones").GetInt64() == 0), TimeSpan.FromSeconds(60), "no deletion is remembered");
        await CheckAsync(sleeper);
    }

    private static async Task CheckAsync(LocalNode node)
    {
        Assert.Equal(Before - Deleted + Keys, await node.Client.KeyCountAsync("0"));
        await Parallel.ForAsync(0, Deleted, new ParallelOptions { MaxDegreeOfParallelism = Workers }, async (i, _) =>
        {
            var answer = await node.Client.GetAsync($"old-{i}");
            Assert.True(answer.Status == 404, $"old-{i} was deleted: {answer}");
        });
        for (var i = 0; i < 500; i++) Assert.Equal($"{Keys + i}", (await node.Client.GetAsync($"new-{i}")).RawValue);
    }

    private static Task AllAsync(int count, Func<KvClient, int, Task<KvAnswer>> request, IReadOnlyList<LocalNode> nodes) =>
        // Each worker goes through its own keys in order: the later write of a key wins.
        Task.WhenAll(Enumerable.Range(0, Workers).Select(async worker =>
        {
            for (var i = worker; i < count; i += Workers)
            {
                var answer = await request(nodes[worker % nodes.Count].Client, i);
                Assert.True(answer.Status is 200 or 201, $"{i}: {answer}");
            }
        }));

    private static async Task<long> LogRecordsAsync(LocalNode node)
    {
        using var http = new HttpClient();
        var text = await http.GetStringAsync($"http://{node.Address}/metrics");
        var line = text.Split('\n').First(line => line.StartsWith("kv_log_records", StringComparison.Ordinal));
        return long.Parse(line.Split(' ')[1], null);
    }

    private static Task<KvAnswer?> UntilAsync(LocalNode node, Func<KvAnswer?, bool> condition, TimeSpan within, string what) =>
        Eventually.Async(() => node.Client.TryAsync(client => client.GetPathAsync("/key-value-store-view/convergence")), condition, within, $"{node.Address} says that {what}");

    private static bool IsConverged(KvAnswer? answer) => answer is { Status: 200 } && answer.Member("converged").GetBoolean();

    private static IEnumerable<JsonElement> Replicas(KvAnswer? answer) => answer!.Member("shards").EnumerateArray().SelectMany(shard => shard.GetProperty("replicas").EnumerateArray());
}
