using Kv.TestSupport;

namespace Kv.Cluster.Tests;

/// <summary>Nodes that are not told a SHARD_COUNT find their cluster, or form one.</summary>
public sealed class DiscoveryTests : IAsyncLifetime
{
    private static readonly TimeSpan JoinBound = TimeSpan.FromSeconds(45);

    private readonly string _directory = Directory.CreateTempSubdirectory("kv-discovery-").FullName;
    private readonly int[] _ports = [.. Enumerable.Range(0, 3).Select(_ => NodePorts.Take()).Order()];
    private readonly List<LocalNode> _nodes = [];

    private string[] All => [.. _ports.Select(port => $"127.0.0.1:{port}")];

    [Fact]
    public async Task A_node_joins_the_cluster_of_its_view_by_itself_and_is_back_as_itself_after_a_kill()
    {
        Start(0, All[..2], shards: 1);
        Start(1, All[..2], shards: 1);
        await UntilSeenAsync(All[..2]);

        var joined = Start(2, All);
        await UntilSeenAsync(All);
        await IsUnassignedAsync(joined);
        var put = await joined.Client.PutAsync("k", "1");
        Assert.True(put.Status == 201, put.ToString());
        await ReadsAsync("k", "1", put.Token);

        var (incarnation, _) = await joined.Probe.VectorAsync();
        await joined.Process.KillAsync();
        await UntilSeenAsync(All[..2]);
        await joined.RestartAsync();
        await UntilSeenAsync(All);
        await IsUnassignedAsync(joined);
        Assert.Equal(incarnation, (await joined.Probe.VectorAsync()).Incarnation);
        await ReadsAsync("k", "1", put.Token);
    }

    [Fact]
    public async Task Nodes_that_nobody_told_a_shard_count_form_one_shard()
    {
        for (var index = 0; index < 3; index++) Start(index, All);
        await UntilSeenAsync(All);
        foreach (var node in _nodes)
        {
            Assert.Equal(["0"], await node.Client.ShardIdsAsync());
            Assert.Equal(All, await node.Client.MembersAsync("0"));
        }

        var put = await _nodes[0].Client.PutAsync("k", "1", query: "?w=all");
        Assert.True(put.Status == 201, put.ToString());
        await ReadsAsync("k", "1", put.Token);
    }

    [Fact]
    public async Task One_node_that_was_told_a_shard_count_tells_the_others()
    {
        Start(1, All);
        Start(2, All);
        Start(0, All, shards: 3);
        await UntilSeenAsync(All);
        foreach (var (node, index) in _nodes.OrderBy(node => node.Address, StringComparer.Ordinal).Select((node, index) => (node, index)))
            Assert.Equal(KvClient.Number(index), (await node.Client.GetPathAsync("/key-value-store-shard/node-shard-id")).Text("shard-id"));
    }

    [Fact]
    public async Task A_majority_forms_the_cluster_without_a_node_that_does_not_come()
    {
        for (var index = 0; index < 2; index++) Start(index, All, patience: TimeSpan.FromSeconds(2));
        await UntilSeenAsync(All[..2]);
        Assert.Equal(All, await _nodes[0].Client.MembersAsync("0"));

        Start(2, All);
        await UntilSeenAsync(All);
    }

    [Fact]
    public async Task A_node_whose_peer_is_not_there_yet_asks_clients_to_come_back_and_joins_when_it_is()
    {
        var waiting = Start(1, All[..2]);
        await Eventually.Async(
            async () => await waiting.Client.TryAsync(client => client.GetPathAsync("/livez")) is { Status: 200 }, JoinBound, "the node that waits lives");
        foreach (var path in (string[])["/readyz", "/key-value-store-view", "/key-value-store/k"])
        {
            var answer = await waiting.Client.GetPathAsync(path);
            Assert.Equal((503, "Node is looking for its cluster", "Error in GET", "1"), (answer.Status, answer.Error, answer.Message, answer.Header("Retry-After")));
        }

        var refused = await waiting.Client.PutAsync("k", "1");
        Assert.Equal((503, "Error in PUT"), (refused.Status, refused.Message));

        Start(0, All[..1], shards: 1);
        await UntilSeenAsync(All[..2]);
        await IsUnassignedAsync(waiting);
    }

    [Fact]
    public async Task A_node_that_waits_for_its_cluster_ends_when_it_is_told_to()
    {
        var waiting = Start(0, All[..2]);
        await Eventually.Async(
            async () => await waiting.Client.TryAsync(client => client.GetPathAsync("/livez")) is { Status: 200 }, JoinBound, "the node that waits lives");
        waiting.Process.Terminate();
        Assert.Equal(0, await waiting.Process.ExitCodeAsync(TimeSpan.FromSeconds(2)));
    }

    [Fact]
    public async Task A_view_across_two_clusters_is_refused()
    {
        Start(0, All[..1], shards: 1);
        Start(1, All[1..2], shards: 1);
        await Task.WhenAll(_nodes.Select(node => node.UntilReadyAsync()));
        var torn = Start(2, All);
        Assert.Equal(2, await torn.Process.ExitCodeAsync(JoinBound));
        Assert.Contains("VIEW names nodes of two clusters", torn.Process.Errors);
        foreach (var other in All[..2]) Assert.Contains(other, torn.Process.Errors);
        Assert.DoesNotContain("   at ", torn.Process.Log);
    }

    public ValueTask InitializeAsync() => default;

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_nodes.Select(node => node.DisposeAsync().AsTask()));
        Directory.Delete(_directory, recursive: true);
    }

    private LocalNode Start(int index, string[] view, int? shards = null, TimeSpan? patience = null)
    {
        var port = _ports[index];
        var environment = new Dictionary<string, string>
        {
            ["SOCKET_ADDRESS"] = $"127.0.0.1:{port}",
            ["VIEW"] = string.Join(',', view),
            ["KV_DATA_DIR"] = Path.Combine(_directory, KvClient.Number(port)),
        };
        if (shards is { } count) environment["SHARD_COUNT"] = KvClient.Number(count);
        if (patience is { } given) environment["Topology__DiscoveryPatience"] = given.ToString();
        var node = new LocalNode(port, port + NodePorts.PeerOffset, environment);
        _nodes.Add(node);
        node.Start();
        return node;
    }

    // Every node that runs sees these.
    private async Task UntilSeenAsync(string[] members)
    {
        foreach (var node in _nodes.Where(node => node.IsRunning)) await LocalCluster.UntilViewAsync(node, members, JoinBound);
    }

    private static async Task IsUnassignedAsync(LocalNode node)
    {
        var answer = await node.Client.GetPathAsync("/key-value-store-shard/node-shard-id");
        Assert.True(answer.Status == 404, answer.ToString());
    }

    private async Task ReadsAsync(string key, string value, string token)
    {
        foreach (var node in _nodes)
        {
            var get = await node.Client.GetAsync(key, token);
            Assert.True(get.Status == 200, $"{node.Address}: {get}");
            Assert.Equal(value, get.RawValue);
        }
    }
}
