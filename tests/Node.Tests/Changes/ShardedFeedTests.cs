using Kv.TestSupport;

namespace Kv.Node.Tests.Changes;

/// <summary>The change feed of a cluster whose nodes run in this process: two shards of one node each.</summary>
public sealed class ShardedFeedTests : IAsyncLifetime
{
    private readonly CancellationTokenSource _patience = new(TimeSpan.FromSeconds(90));
    private IReadOnlyList<InProcessNode> _nodes = [];

    private CancellationToken Stop => _patience.Token;

    public async ValueTask InitializeAsync() => _nodes = await InProcessNode.StartClusterAsync(nodes: 2, shards: 2);

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes) await node.DisposeAsync();
        _patience.Dispose();
    }

    [Fact]
    public async Task At_any_node_the_writes_of_a_session_come_in_its_order_whichever_shards_they_went_to()
    {
        const int Writes = 150;
        using var feeds = new Feeds([.. await Task.WhenAll(_nodes.Select(node => KvFeed.OpenAsync(node.Address, stop: Stop)))]);
        foreach (var feed in feeds.All) await feed.NextOfAsync(Stop, "checkpoint");

        await Task.WhenAll(Enumerable.Range(0, 3).Select(async session =>
        {
            string? token = null;
            for (var i = 0; i < Writes; i++)
            {
                var put = await _nodes[i % 2].Client.PutAsync($"s{session}-{i}", KvClient.Number(i), token);
                Assert.Equal(201, put.Status);
                // Read elsewhere, so that by and by the token names little of it.
                token = (await _nodes[(i + 1) % 2].Client.GetAsync($"s{session}-{i}", put.Token)).Token;
            }
        }));

        foreach (var feed in feeds.All)
        {
            var told = await feed.ChangesAsync(3 * Writes, Stop);
            Assert.Equal(2, told.Select(change => change.Json.GetProperty("shard-id").GetString()).Distinct().Count());
            for (var session = 0; session < 3; session++)
                Assert.Equal(Enumerable.Range(0, Writes).Select(i => $"s{session}-{i}"), told.Select(change => change.Key).Where(key => key.StartsWith($"s{session}-", StringComparison.Ordinal)));
        }
    }

    [Fact]
    public async Task A_client_that_hops_from_node_to_node_with_its_last_id_misses_nothing_and_hears_nothing_twice()
    {
        var id = default(string);
        var told = new List<string>();
        for (var i = 0; i < 12; i++)
        {
            using var feed = await KvFeed.OpenAsync(_nodes[i % 2].Address, "?prefix=h", id, stop: Stop);
            if (id is null) await feed.NextOfAsync(Stop, "checkpoint");
            for (var write = 0; write < 3; write++) await _nodes[write % 2].Client.PutAsync($"h{i}-{write}", "1");
            told.AddRange((await feed.ChangesAsync(i % 3 == 2 ? 5 : 2, Stop)).Select(change => change.Key));
            id = feed.LastId;
        }

        Assert.Equal(Enumerable.Range(0, 12).SelectMany(i => Enumerable.Range(0, 3).Select(write => $"h{i}-{write}")), told.Order(Comparer<string>.Create((one, other) => Number(one).CompareTo(Number(other)))));

        static int Number(string key) => key[1..].Split('-') is [var round, var write] ? (int.Parse(round, null) * 10) + int.Parse(write, null) : -1;
    }

    [Fact]
    public async Task Without_a_shard_nothing_comes_and_the_stream_says_what_it_waits_for()
    {
        var nodes = await InProcessNode.StartClusterAsync(nodes: 2, shards: 2, "--Changes:HeartbeatInterval=00:00:00.2");
        await using var lonely = nodes[0];
        using var feed = await KvFeed.OpenAsync(lonely.Address, stop: Stop);
        await feed.NextOfAsync(Stop, "checkpoint");
        var gone = (await nodes[1].Client.GetPathAsync("/key-value-store-shard/node-shard-id")).Text("shard-id");
        await nodes[1].DisposeAsync();
        string? said = null;
        while (said?.Contains($"waiting for a replica of shard {gone}", StringComparison.Ordinal) != true) said = (await feed.NextOfAsync(Stop, "comment")).Data;
        Assert.Equal(503, (await lonely.Client.GetPathAsync("/key-value-store-changes")).Status);
    }

    private sealed record Feeds(IReadOnlyList<KvFeed> All) : IDisposable
    {
        public void Dispose()
        {
            foreach (var feed in All) feed.Dispose();
        }
    }
}
