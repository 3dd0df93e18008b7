using Kv.TestSupport;

namespace Kv.Cluster.Tests;

/// <summary>A node that must not start says why, in words for a person, and ends.</summary>
public sealed class RefusedStartTests : IDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(10);

    private readonly string _directory = Directory.CreateTempSubdirectory("kv-refused-").FullName;
    private readonly string _first = $"127.0.0.1:{NodePorts.Take()}";
    private readonly string _second = $"127.0.0.1:{NodePorts.Take()}";

    private string Data => Path.Combine(_directory, "data");

    [Fact]
    public Task All_bad_options_are_named_at_once() => IsRefusedAsync(
        new()
        {
            ["SOCKET_ADDRESS"] = "nonsense",
            ["VIEW"] = "also nonsense,127.0.0.1:99999",
            ["SHARD_COUNT"] = "several",
            ["KV_STORAGE"] = "paper",
            ["KV_LOG_FORMAT"] = "verse",
            ["KV_DATA_DIR"] = Data,
            ["Requests__MaxKeyCharacters"] = "0",
            ["Membership__HeartbeatInterval"] = "soon",
        },
        "SOCKET_ADDRESS: 'nonsense'", "VIEW: 'also nonsense'", "VIEW: '127.0.0.1:99999'", "SHARD_COUNT", "'several'", "KV_STORAGE", "KV_LOG_FORMAT must be text or json", "Requests:MaxKeyCharacters", "Membership");

    [Fact]
    public Task More_shards_than_nodes_are_refused() => IsRefusedAsync(Node(_first, [_first, _second], shards: 3), "SHARD_COUNT", "(2)", "'3'");

    [Fact]
    public Task No_shards_are_refused() => IsRefusedAsync(Node(_first, [_first], shards: 0), "SHARD_COUNT", "'0'");

    [Fact]
    public Task A_view_without_the_node_itself_is_refused() => IsRefusedAsync(Node(_first, [_second]), $"VIEW does not name this node's SOCKET_ADDRESS {_first}");

    [Fact]
    public Task A_view_that_names_a_node_twice_is_refused() => IsRefusedAsync(Node(_first, [_first, _first]), "VIEW names an address twice");

    [Fact]
    public async Task Another_clusters_data_directory_is_refused()
    {
        await RunOnceAsync(Node(_first, [_first]));
        await IsRefusedAsync(Node(_first, [_first, _second]), Data, "belongs to cluster");
    }

    [Fact]
    public async Task A_copied_data_directory_is_refused()
    {
        await RunOnceAsync(Node(_first, [_first, _second]));
        await IsRefusedAsync(Node(_second, [_first, _second]), Data, _first, _second, "looks copied");
    }

    [Fact]
    public async Task A_data_directory_in_use_is_refused_and_its_user_not_disturbed()
    {
        await using var holder = NodeProcess.Start(Node(_first, [_first, _second]));
        using var client = new KvClient(_first);
        await holder.UntilReadyAsync(client);
        await IsRefusedAsync(Node(_first, [_first, _second]), Data, "in use by another process");
        Assert.Equal(201, (await client.PutAsync("k", "1")).Status);
    }

    [Fact]
    public async Task A_port_in_use_is_refused()
    {
        await using var holder = NodeProcess.Start(Node(_first, [_first]));
        using var client = new KvClient(_first);
        await holder.UntilReadyAsync(client);
        var second = Node(_first, [_first]);
        second["KV_DATA_DIR"] = Path.Combine(_directory, "other");
        await IsRefusedAsync(second, _first.Split(':')[1], "already in use");
    }

    [Fact]
    public async Task A_data_directory_that_cannot_be_written_is_refused()
    {
        await File.WriteAllTextAsync(Data, "a file", TestContext.Current.CancellationToken);
        await IsRefusedAsync(Node(_first, [_first]), Data);
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private Dictionary<string, string> Node(string address, string[] view, int shards = 1) => new()
    {
        ["SOCKET_ADDRESS"] = address,
        ["VIEW"] = string.Join(',', view),
        ["SHARD_COUNT"] = KvClient.Number(shards),
        ["KV_DATA_DIR"] = Data,
        ["Replica__FormationGrace"] = "00:00:00.1",
    };

    private static async Task RunOnceAsync(Dictionary<string, string> environment)
    {
        await using var node = NodeProcess.Start(environment);
        using var client = new KvClient(environment["SOCKET_ADDRESS"]);
        await node.UntilReadyAsync(client);
        Assert.Equal(201, (await client.PutAsync("k", "1")).Status);
        node.Terminate();
        var code = await node.ExitCodeAsync(TimeSpan.FromSeconds(5));
        Assert.True(code == 0, $"Exit code {code}:\n{node.Log}");
    }

    private static async Task IsRefusedAsync(Dictionary<string, string> environment, params string[] words)
    {
        await using var node = NodeProcess.Start(environment);
        var code = await node.ExitCodeAsync(Bound);
        Assert.True(code != 0, node.Log);
        foreach (var word in words) Assert.Contains(word, node.Errors);
        Assert.DoesNotContain("   at ", node.Log);
        Assert.DoesNotContain("Exception", node.Log);
    }
}
