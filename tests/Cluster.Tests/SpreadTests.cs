using Kv.TestSupport;

namespace Kv.Cluster.Tests;

public sealed class SpreadTests(SixNodes six) : SixNodesTests(six)
{
    [Fact]
    public async Task A_write_through_any_node_is_read_through_any_other_at_once()
    {
        foreach (var writer in Six.Nodes)
        {
            for (var i = 0; i < 3; i++)
            {
                var key = SixNodes.NewName("any");
                var put = await writer.Client.PutAsync(key, $"\"{writer.Address}\"");
                Assert.True(put.Status == 201, put.ToString());
                foreach (var reader in Six.Nodes)
                {
                    var get = await reader.Client.GetAsync(key, put.Token);
                    Assert.True(get.Status == 200, $"{reader.Address}: {get}");
                    Assert.Equal($"\"{writer.Address}\"", get.RawValue);
                    Assert.Equal(put.Version, get.Version);
                }
            }
        }
    }

    [Fact]
    public async Task Metadata_read_through_another_shard_carries_what_was_read_there()
    {
        // x is written, y is written by one who saw x, and a reader who sees y through any node must then see x through any node.
        for (var round = 0; round < 20; round++)
        {
            var (x, y) = (SixNodes.NewName("x"), SixNodes.NewName("y"));
            var first = await Six.Nodes[round % 6].Client.PutAsync(x, "1");
            var second = await Six.Nodes[(round + 1) % 6].Client.PutAsync(y, "2", first.Token);
            Assert.Equal((201, 201), (first.Status, second.Status));
            var seen = await Eventually.Async(
                () => Six.Nodes[(round + 2) % 6].Client.GetAsync(y), answer => answer.Status == 200, TimeSpan.FromSeconds(5), "the effect arrives without a token");
            var cause = await Six.Nodes[(round + 3) % 6].Client.GetAsync(x, seen.Token);
            Assert.True(cause.Status == 200, cause.ToString());
        }
    }

    [Fact]
    public async Task Six_hundred_keys_in_a_chain_of_tokens_are_all_there_and_counted()
    {
        const int Keys = 600;
        var name = SixNodes.NewName("chain");
        var before = await Six.Nodes[0].Client.KeyCountAsync();
        string? token = null;
        for (var i = 0; i < Keys; i++)
        {
            var put = await Six.Nodes[i % 6].Client.PutAsync($"{name}-{i}", KvClient.Number(i), token);
            Assert.True(put.Status == 201, put.ToString());
            token = put.Token;
        }

        foreach (var node in Six.Nodes) Assert.Equal(before + Keys, await node.Client.KeyCountAsync());
        for (var i = 0; i < Keys; i++)
        {
            var get = await Six.Nodes[(i + 1 + (i / 6)) % 6].Client.GetAsync($"{name}-{i}", token);
            Assert.True(get.Status == 200, get.ToString());
            Assert.Equal(KvClient.Number(i), get.RawValue);
        }

        Assert.True(token!.Length <= 512, $"a token of {token.Length} characters");
    }

    [Fact]
    public async Task Every_node_tells_the_same_shards()
    {
        foreach (var node in Six.Nodes)
        {
            Assert.Equal(["0", "1"], await node.Client.ShardIdsAsync());
            Assert.Equal([Six.Nodes[0].Address, Six.Nodes[2].Address, Six.Nodes[4].Address], await node.Client.MembersAsync("0"));
            Assert.Equal([Six.Nodes[1].Address, Six.Nodes[3].Address, Six.Nodes[5].Address], await node.Client.MembersAsync("1"));
        }
    }
}
