using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Signals;
using Kv.TestSupport;

namespace Kv.Node.Tests.Rest;

public sealed class UnavailableTests
{
    [Fact]
    public async Task Without_a_live_replica_the_shard_is_unavailable()
    {
        await using var node = await InProcessNode.StartAsync(shards: 2, absent: [$"127.0.0.1:{NodePorts.Take()}"]);
        var topology = node.Service<Published<ClusterTopology>>().Current;
        var own = topology.ShardOf(NodeAddress.Parse(node.Address))!.Id;
        var key = Enumerable.Range(0, 1000).Select(i => $"key{i}").First(k => topology.ShardOf(new Key(k)).Id != own);
        var other = topology.ShardOf(new Key(key)).Id;

        AnswerAssert.Unavailable(await node.Client.PutAsync(key, "1"), "Shard is unavailable", "Error in PUT");
        AnswerAssert.Unavailable(await node.Client.GetAsync(key), "Shard is unavailable", "Error in GET");
        AnswerAssert.Unavailable(await node.Client.DeleteAsync(key), "Shard is unavailable", "Error in DELETE");
        AnswerAssert.Unavailable(await node.Client.GetPathAsync($"/key-value-store-shard/shard-id-key-count/{other}"), "Shard is unavailable", "Error in GET");
        Assert.Equal(other.ToString(), (await node.Client.GetAsync(key)).Text("shard-id"));
    }

    [Fact]
    public async Task A_write_concern_that_cannot_be_met_ends_in_503_and_the_default_does_not_wait_for_the_dead()
    {
        await using var node = await InProcessNode.StartAsync(absent: [$"127.0.0.1:{NodePorts.Take()}"], options: ["--Requests:WriteConcernWait=00:00:00.5"]);
        foreach (var concern in new[] { "all", "majority" })
        {
            AnswerAssert.Unavailable(await node.Client.PutAsync("k", "1", query: $"?w={concern}"), "Write concern not satisfied", "Error in PUT");
            AnswerAssert.Absent(await node.Client.GetAsync("k"), "GET");
        }

        AnswerAssert.Stored(await node.Client.PutAsync("k", "1"), replaced: false);
        AnswerAssert.Stored(await node.Client.PutAsync("k", "2", query: "?w=local"), replaced: true);
        AnswerAssert.Unavailable(await node.Client.DeleteAsync("k", query: "?w=all"), "Write concern not satisfied", "Error in DELETE");
        AnswerAssert.Found(await node.Client.GetAsync("k"), "2");
    }
}
