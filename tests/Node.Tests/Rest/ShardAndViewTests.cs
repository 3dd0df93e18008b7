using System.Text.Json;
using Kv.TestSupport;

namespace Kv.Node.Tests.Rest;

[Collection(nameof(SingleNode))]
public sealed class ShardAndViewTests(SingleNode node)
{
    private const string Shards = "/key-value-store-shard";

    private readonly KvClient _client = node.Client;

    [Fact]
    public async Task The_view_names_the_live_members()
    {
        var answer = await _client.GetPathAsync("/key-value-store-view");
        Succeeded(answer, "View retrieved successfully");
        Assert.Equal(_client.Address, answer.Text("view"));
    }

    [Fact]
    public async Task A_node_alone_is_equal_to_itself()
    {
        var answer = await _client.GetPathAsync("/key-value-store-view/convergence");
        Succeeded(answer, "Convergence retrieved successfully");
        Assert.True(answer.Member("converged").GetBoolean());
        var replica = answer.Member("shards")[0].GetProperty("replicas")[0];
        Assert.Equal("equal", replica.GetProperty("state").GetString());
        Assert.Equal(0, replica.GetProperty("lacks-writes").GetInt64());
    }

    [Fact]
    public async Task The_shard_ids_are_listed()
    {
        var answer = await _client.GetPathAsync($"{Shards}/shard-ids");
        Succeeded(answer, "Shard IDs retrieved successfully");
        Assert.Equal("0", answer.Text("shard-ids"));
    }

    [Fact]
    public async Task A_node_tells_its_shard()
    {
        var answer = await _client.GetPathAsync($"{Shards}/node-shard-id");
        Succeeded(answer, "Shard ID of the node retrieved successfully");
        Assert.Equal("0", answer.Text("shard-id"));
    }

    [Fact]
    public async Task The_members_of_a_shard_are_listed()
    {
        var answer = await _client.GetPathAsync($"{Shards}/shard-id-members/0");
        Succeeded(answer, "Members of shard ID retrieved successfully");
        Assert.Equal(_client.Address, answer.Text("shard-id-members"));
    }

    [Fact]
    public async Task The_key_count_is_a_number()
    {
        var token = (await _client.PutAsync(SingleNode.NewKey(), "1")).Token;
        foreach (var answer in new[] { await _client.GetPathAsync($"{Shards}/shard-id-key-count/0"), await _client.GetPathAsync($"{Shards}/shard-id-key-count/0", token) })
        {
            Succeeded(answer, "Key count of shard ID retrieved successfully");
            Assert.Equal(JsonValueKind.Number, answer.Member("shard-id-key-count").ValueKind);
            Assert.True(answer.Member("shard-id-key-count").GetInt64() >= 1);
        }

        AnswerAssert.Error(await _client.GetPathAsync($"{Shards}/shard-id-key-count/0", "x"), 400, "Causal metadata is malformed", "Error in GET");
    }

    [Theory]
    [InlineData("1")]
    [InlineData("-1")]
    [InlineData("00")]
    [InlineData("+0")]
    [InlineData("0.0")]
    [InlineData("99999999999")]
    [InlineData("x")]
    [InlineData("%20")]
    public async Task An_unknown_shard_is_not_found(string id)
    {
        AnswerAssert.Error(await _client.GetPathAsync($"{Shards}/shard-id-members/{id}"), 404, "Shard ID does not exist", "Error in GET");
        AnswerAssert.Error(await _client.GetPathAsync($"{Shards}/shard-id-key-count/{id}"), 404, "Shard ID does not exist", "Error in GET");
    }

    [Fact]
    public async Task The_probes_answer()
    {
        Assert.Equal("alive", (await _client.GetPathAsync("/livez")).Text("status"));
        Assert.Equal("ready", (await _client.GetPathAsync("/readyz")).Text("status"));
        var metrics = await _client.GetPathAsync("/metrics");
        Assert.Equal(200, metrics.Status);
        // Which ones is for MetricNamesTests, with a node in a process of its own: nodes of this one that end take their instruments with them, which have the same names.
        Assert.Contains("# TYPE ", metrics.Body);
        Assert.StartsWith("text/plain", metrics.Header("Content-Type"));
    }

    private static void Succeeded(KvAnswer answer, string message)
    {
        Assert.True(answer.Status == 200, answer.ToString());
        Assert.StartsWith("application/json", answer.Header("Content-Type"));
        Assert.Equal(message, answer.Message);
    }
}
