using System.Text.Json;
using Kv.Node.Telemetry;
using Kv.TestSupport;

namespace Kv.Node.Tests.Rest;

[Collection(nameof(SingleNode))]
public sealed class StatusTests(SingleNode node)
{
    private readonly KvClient _client = node.Client;

    [Fact]
    public async Task The_status_tells_of_the_node_the_shard_and_the_ring()
    {
        await _client.PutAsync(SingleNode.NewKey(), "1");
        var answer = await _client.GetPathAsync("/key-value-store-view/status");
        Assert.True(answer.Status == 200, answer.ToString());
        Assert.Equal("Status retrieved successfully", answer.Message);
        Assert.Equal(_client.Address, answer.Text("socket-address"));
        // Other tests may have made the node know of others.
        var self = answer.Member("nodes").EnumerateArray().Single(each => Text(each, "socket-address") == _client.Address);
        Assert.Equal(("alive", "member", "0", "equal"), (Text(self, "state"), Text(self, "role"), Text(self, "shard-id"), Text(self, "replica")));
        Assert.True(self.GetProperty("keys").GetInt64() >= 1);
        Assert.Equal(answer.Member("keys").GetInt64(), answer.Member("shards")[0].GetProperty("keys").GetInt64());
        Assert.Equal("none", Text(answer.Member("reshard"), "stage"));
        Assert.Equal("[0,4096]", answer.Member("ring").GetProperty("runs").GetRawText());
        Assert.Equal(4096, answer.Member("ring").GetProperty("arcs").GetInt32());
    }

    [Fact]
    public async Task What_every_replica_holds_of_a_key_is_told_with_what_it_depends_on()
    {
        var cause = await _client.PutAsync(SingleNode.NewKey(), "1");
        var key = SingleNode.NewKey();
        var put = await _client.PutAsync(key, """{"a": [1, "ü"]}""", cause.Token);
        var answer = await LookAsync(Uri.EscapeDataString(key));
        Assert.Equal(key, answer.Text("key"));
        Assert.True(answer.Member("doesExist").GetBoolean());
        Assert.Equal("""{"a": [1, "ü"]}""", answer.RawValue);
        Assert.Equal(put.Version, answer.Version);
        // The cause is of the same origin, whose dot stands for everything before it.
        Assert.Empty(answer.Member("dependencies").EnumerateArray());
        var replica = Assert.Single(answer.Member("replicas").EnumerateArray());
        Assert.Equal((_client.Address, "member", "current", answer.Text("dot")), (Text(replica, "socket-address"), Text(replica, "role"), Text(replica, "state"), Text(replica, "dot")));
    }

    [Fact]
    public async Task A_deleted_key_is_held_as_a_deletion_and_an_unknown_one_not_at_all()
    {
        var key = SingleNode.NewKey();
        await _client.PutAsync(key, "1");
        await _client.DeleteAsync(key);
        var deleted = await LookAsync(key);
        Assert.False(deleted.Member("doesExist").GetBoolean());
        Assert.False(deleted.HasMember("value"));
        Assert.True(deleted.Member("replicas")[0].GetProperty("deleted").GetBoolean());

        var unknown = await LookAsync(SingleNode.NewKey());
        Assert.False(unknown.Member("doesExist").GetBoolean());
        Assert.False(unknown.HasMember("version"));
        Assert.Equal("absent", Text(unknown.Member("replicas")[0], "state"));
    }

    [Theory]
    [InlineData("a%2Fb", "a/b")]
    [InlineData("%2E%2E", "..")]
    [InlineData("a%252Fb", "a%2Fb")]
    [InlineData("a+b", "a+b")]
    public async Task Every_key_can_be_asked_for(string segment, string key) => Assert.Equal(key, (await LookAsync(segment)).Text("key"));

    [Fact]
    public async Task What_is_no_key_is_refused_as_it_is_everywhere()
    {
        const string Path = "/key-value-store-view/replicas-of";
        AnswerAssert.Error(await _client.GetPathAsync($"{Path}/{new string('x', 51)}"), 400, "Key is too long", "Error in GET");
        AnswerAssert.Error(await _client.GetPathAsync($"{Path}/%FF"), 400, "Key is not valid UTF-8", "Error in GET");
        AnswerAssert.Error(await _client.GetPathAsync($"{Path}/a/b"), 404, "Not found", "Error in GET");
        AnswerAssert.Error(await _client.GetPathAsync(Path), 404, "Not found", "Error in GET");
        AnswerAssert.Error(await _client.SendAsync(HttpMethod.Put, $"{Path}/a", "{}"), 405, "Method not allowed", "Error in PUT");
        AnswerAssert.Error(await _client.SendAsync(HttpMethod.Post, "/key-value-store-view/events", ""), 405, "Method not allowed", "Error in POST");
    }

    [Fact]
    public async Task Requests_for_keys_are_counted_and_others_are_not()
    {
        var rate = node.Node.Service<RequestRate>();
        await Eventually.Async(() => Task.FromResult(rate.PerSecond()), perSecond => perSecond == 0, TimeSpan.FromSeconds(10), "nobody asks");
        for (var i = 0; i < 5; i++) await _client.GetAsync(SingleNode.NewKey());
        await Eventually.Async(() => Task.FromResult(rate.PerSecond()), perSecond => perSecond > 0, TimeSpan.FromSeconds(10), "requests were answered");
    }

    private async Task<KvAnswer> LookAsync(string segment)
    {
        var answer = await _client.GetPathAsync($"/key-value-store-view/replicas-of/{segment}");
        Assert.True(answer.Status == 200, answer.ToString());
        Assert.Equal("Replicas retrieved successfully", answer.Message);
        return answer;
    }

    private static string? Text(JsonElement json, string name) => json.GetProperty(name).GetString();
}
