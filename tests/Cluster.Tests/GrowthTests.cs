using Kv.TestSupport;

namespace Kv.Cluster.Tests;

/// <summary>How the scripts of this interface's courses go about it: one causal chain, a seventh node, a third shard.</summary>
public sealed class GrowthTests
{
    private const int Keys = 600;

    [Fact]
    public async Task Six_nodes_in_two_shards_grow_by_a_node_and_then_by_a_shard_and_every_key_is_there()
    {
        await using var cluster = await LocalCluster.StartAsync(nodes: 6, shards: 2);
        await cluster.UntilSealedAsync();

        // 1. One chain through all nodes.
        var token = "";
        for (var i = 0; i < Keys; i++)
        {
            var put = await cluster[i % 6].Client.PutAsync($"key-{i}", KvClient.Number(i), token);
            Assert.True(put.Status == 201, put.ToString());
            token = put.Token;
        }

        // 2. A node more, in the second shard.
        var seventh = await cluster.JoinAsync();
        Assert.Equal(404, (await seventh.Client.GetPathAsync("/key-value-store-shard/node-shard-id")).Status);
        var added = await cluster[0].Client.SendAsync(HttpMethod.Put, "/key-value-store-shard/add-member/1", $$"""{"socket-address":"{{seventh.Address}}"}""");
        Assert.True(added.Status == 200, added.ToString());
        Assert.Equal("1", (await seventh.Client.GetPathAsync("/key-value-store-shard/node-shard-id")).Text("shard-id"));
        foreach (var node in cluster.Nodes)
            await Eventually.Async(() => node.Client.MembersAsync("1"), members => members.Contains(seventh.Address), Resharded.Bound, $"{node.Address} knows who serves shard 1");
        await CountsAsync(cluster.Nodes, ["0", "1"]);

        // 3. More shards than the nodes can bear.
        var refused = await cluster[3].ReshardAsync(10);
        Assert.Equal((400, "Not enough nodes to provide fault-tolerance with the given shard count!"), (refused.Status, refused.Message));

        // 4. One shard more.
        var done = await cluster[3].ReshardAsync(3);
        Assert.Equal((200, "Resharding done successfully"), (done.Status, done.Message));
        foreach (var node in cluster.Nodes)
        {
            var shards = await Resharded.ShardsAsync(node);
            Assert.Equal(["0", "1", "2"], shards.Keys);
            Assert.All(shards.Values, members => Assert.InRange(members.Count, 2, 3));
            Assert.Equal(cluster.Addresses, shards.Values.SelectMany(members => members).Order(StringComparer.Ordinal));
        }

        var counts = await CountsAsync(cluster.Nodes, ["0", "1", "2"]);
        Assert.All(counts, count => Assert.InRange(count, Keys / 3 * 0.75, Keys / 3 * 1.25));
        await Task.WhenAll(cluster.Nodes.Select(async (node, place) =>
        {
            for (var i = 0; i < Keys; i++)
            {
                var past = (i + place) % 2 == 0 ? token : null;
                var read = await node.Client.GetAsync($"key-{i}", past);
                Assert.True(read.Status == 200 && read.RawValue == KvClient.Number(i), $"key-{i} through {node.Address}, {(past is null ? "without" : "with")} the token: {read}");
            }
        }));
    }

    // Whoever is asked counts the same, and all keys are counted once.
    private static async Task<long[]> CountsAsync(IReadOnlyList<LocalNode> nodes, string[] shards)
    {
        var counts = await Task.WhenAll(nodes.Select(node => Task.WhenAll(shards.Select(node.Client.KeyCountAsync))));
        Assert.All(counts, each => Assert.Equal(counts[0], each));
        Assert.Equal(Keys, counts[0].Sum());
        return counts[0];
    }
}
