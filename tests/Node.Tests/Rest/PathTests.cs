using Kv.TestSupport;

namespace Kv.Node.Tests.Rest;

[Collection(nameof(SingleNode))]
public sealed class PathTests(SingleNode node)
{
    private readonly KvClient _client = node.Client;

    [Theory]
    [InlineData("POST")]
    [InlineData("PATCH")]
    [InlineData("OPTIONS")]
    [InlineData("BREW")]
    public async Task Another_method_on_a_key_is_not_allowed(string method)
    {
        var answer = await _client.SendAsync(new HttpMethod(method), "/key-value-store/x", """{"value":1}""");
        Assert.Equal("GET, PUT, DELETE", answer.Header("Allow"));
        AnswerAssert.Error(answer, 405, "Method not allowed", $"Error in {method}");
    }

    [Theory]
    [InlineData("PUT", "/key-value-store")]
    [InlineData("DELETE", "/key-value-store")]
    [InlineData("POST", "/key-value-store-view")]
    [InlineData("PATCH", "/key-value-store-view")]
    [InlineData("POST", "/key-value-store-shard/shard-ids")]
    [InlineData("PUT", "/key-value-store-shard/node-shard-id")]
    [InlineData("DELETE", "/key-value-store-shard/shard-id-members/0")]
    [InlineData("BREW", "/key-value-store-shard/shard-id-key-count/0")]
    [InlineData("POST", "/readyz")]
    [InlineData("DELETE", "/livez")]
    public async Task Another_method_on_these_paths_is_not_allowed(string method, string path)
    {
        var answer = await _client.SendAsync(new HttpMethod(method), path);
        Assert.Contains("GET", answer.Header("Allow") ?? "");
        AnswerAssert.Error(answer, 405, "Method not allowed", $"Error in {method}");
    }

    [Fact]
    public async Task Head_is_not_allowed_and_has_no_body()
    {
        var answer = await _client.SendAsync(HttpMethod.Head, "/key-value-store/x");
        Assert.Equal(405, answer.Status);
        Assert.Empty(answer.Raw);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/x")]
    [InlineData("/favicon.ico")]
    [InlineData("/key-value-store/")]
    [InlineData("/key-value-store/?x=1")]
    [InlineData("/key-value-store//")]
    [InlineData("/key-value-store/a/b")]
    [InlineData("/key-value-store/a/")]
    [InlineData("/key-value-store/a/../b")]
    [InlineData("/key-value-stores/a")]
    [InlineData("/key-value-store-view/x")]
    [InlineData("/key-value-store-shard")]
    [InlineData("/key-value-store-shard/unknown")]
    [InlineData("/key-value-store-shard/shard-id-members")]
    [InlineData("/key-value-store-shard/shard-id-members/0/1")]
    [InlineData("/key-value-store-shard/shard-id-key-count")]
    public async Task Any_other_path_is_not_found(string path)
    {
        AnswerAssert.Error(await _client.GetPathAsync(path), 404, "Not found", "Error in GET");
        AnswerAssert.Error(await _client.SendAsync(HttpMethod.Post, path, "x"), 404, "Not found", "Error in POST");
    }
}
