using Kv.Node.Security;
using Kv.Node.Tests.Rest;
using Kv.TestSupport;

namespace Kv.Node.Tests.Security;

/// <summary>What one client may take, over real connections.</summary>
public sealed class ClientCrowdTests
{
    [Fact]
    public async Task Who_asks_too_often_is_told_429_and_another_key_is_served()
    {
        await using var secured = await SecuredNode.StartAsync(null, "--Clients:RequestsPerSecond=0.01", "--Clients:Burst=3");
        var greedy = secured.As(Role.Write);
        for (var i = 0; i < 3; i++) Assert.Equal(i == 0 ? 201 : 200, (await greedy.PutAsync("k", "1")).Status);
        var refused = await greedy.PutAsync("k", "2");
        AnswerAssert.Error(refused, 429, "Too many requests", "Error in PUT");
        Assert.InRange(int.Parse(refused.Header("Retry-After")!, null), 1, 100);
        AnswerAssert.Error(await greedy.GetPathAsync("/key-value-store-view"), 429, "Too many requests", "Error in GET");
        Assert.Equal(200, (await greedy.GetPathAsync("/livez")).Status);
        AnswerAssert.Found(await secured.As(Role.Read).GetAsync("k"), "1");
    }

    [Theory]
    [InlineData("/key-value-store-changes")]
    [InlineData("/key-value-store-view/events")]
    public async Task A_stream_without_an_end_takes_no_place_from_what_its_client_may_have_under_way(string path)
    {
        await using var node = await InProcessNode.StartAsync(options: ["--Clients:MaxConcurrent=1"]);
        for (var i = 0; i < 2; i++)
        {
            using var stream = await RawConnection.OpenAsync(node.Port);
            await stream.SendAsync($"GET {path} HTTP/1.1\r\nHost: kv\r\n\r\n");
            await Eventually.Async(() => Task.FromResult(stream.HasSomething), SecuredNode.Soon, "the stream has begun");
            Assert.Equal(i == 0 ? 201 : 200, (await node.Client.PutAsync("k", "1")).Status);
        }
    }

    [Fact]
    public async Task Without_keys_a_client_is_an_address()
    {
        await using var node = await InProcessNode.StartAsync(options: ["--Clients:RequestsPerSecond=0.01", "--Clients:Burst=2"]);
        using var other = new KvClient(node.Address);
        Assert.Equal(201, (await node.Client.PutAsync("k", "1")).Status);
        Assert.Equal(200, (await other.PutAsync("k", "1")).Status);
        Assert.Equal(429, (await node.Client.PutAsync("k", "1")).Status);
        Assert.Equal(429, (await other.GetAsync("k")).Status);
    }
}
