using Kv.TestSupport;

namespace Kv.Cluster.Tests;

/// <summary>What operators ask of a reshard, and are told.</summary>
public sealed class ReshardTests(SlowReshard cluster) : IClassFixture<SlowReshard>
{
    private const string NotEnough = "Not enough nodes to provide fault-tolerance with the given shard count!";

    [Fact]
    public async Task Of_two_reshards_asked_for_at_once_one_is_done_and_the_other_refused()
    {
        var before = (await cluster.Nodes[0].Client.ShardIdsAsync()).Count;
        int[] counts = [.. Enumerable.Range(1, 3).Where(count => count != before)];
        var answers = await Task.WhenAll(cluster.Nodes[1].ReshardAsync(counts[0]), cluster.Nodes[4].ReshardAsync(counts[1]));

        Assert.Equal([200, 409], answers.Select(answer => answer.Status).Order());
        var (done, refused) = answers[0].Status == 200 ? (0, 1) : (1, 0);
        Assert.Equal("Resharding done successfully", answers[done].Message);
        Assert.Equal(("A reshard is running", "Error in PUT"), (answers[refused].Error, answers[refused].Message));
        foreach (var node in cluster.Nodes) Assert.Equal(counts[done], (await node.Client.ShardIdsAsync()).Count);
        await Resharded.ReadAsync(cluster.Nodes, cluster.Preloaded);
    }

    [Fact]
    public async Task A_cancelled_reshard_leaves_everything_as_it_was_and_can_be_asked_for_again()
    {
        await Resharded.UntilSettledAsync(cluster.Nodes, Resharded.Bound);
        if ((await cluster.Nodes[0].Client.ShardIdsAsync()).Count == 1)
        {
            // Where everyone holds everything, more shards take no transfer, and are there before anybody can cancel.
            var divided = await cluster.Nodes[0].ReshardAsync(2);
            Assert.True(divided.Status == 200, divided.ToString());
            await Resharded.UntilSettledAsync(cluster.Nodes, Resharded.Bound);
        }

        var before = await Resharded.ShardsAsync(cluster.Nodes[0]);
        var keys = await cluster.Nodes[0].Client.KeyCountAsync();
        var count = before.Count == 3 ? 2 : 3;
        using var load = new Load(cluster.Nodes, SixNodes.NewName("cancel"));

        var asked = cluster.Nodes[2].ReshardAsync(count);
        var id = await Resharded.UntilMovingAsync(cluster.Nodes[3]);
        var cancelled = await cluster.Nodes[5].Client.CancelReshardAsync();
        Assert.True(cancelled.Status == 200, cancelled.ToString());
        Assert.Equal("Reshard cancelled successfully", cancelled.Message);
        var refused = await asked;
        Assert.Equal((409, "Reshard was cancelled", "Error in PUT"), (refused.Status, refused.Error, refused.Message));

        await Resharded.UntilSettledAsync(cluster.Nodes, Resharded.Bound);
        foreach (var node in cluster.Nodes)
        {
            Assert.Equal(Resharded.Text(before), Resharded.Text(await Resharded.ShardsAsync(node)));
            var last = (await node.Client.ReshardStatusAsync()).Member("last");
            Assert.Equal((id, "cancelled"), (last.GetProperty("reshard-id").GetString(), last.GetProperty("end").GetString()));
        }

        var again = await cluster.Nodes[2].ReshardAsync(count);
        Assert.True(again.Status == 200, again.ToString());
        Assert.Equal(count, (await cluster.Nodes[4].Client.ShardIdsAsync()).Count);
        var written = await load.StopAsync();
        Assert.Empty(load.Violations);
        Assert.Empty(load.Failures);
        await Resharded.ReadAsync(cluster.Nodes, written);
        await Resharded.ReadAsync(cluster.Nodes, cluster.Preloaded);
        foreach (var node in cluster.Nodes) Assert.Equal(keys + written.Count, await node.Client.KeyCountAsync());
    }

    [Fact]
    public async Task Without_a_reshard_there_is_none_to_cancel()
    {
        await Resharded.UntilSettledAsync(cluster.Nodes, Resharded.Bound);
        var answer = await cluster.Nodes[0].Client.CancelReshardAsync();
        Assert.Equal((404, "No reshard is running", "Error in DELETE"), (answer.Status, answer.Error, answer.Message));
        Assert.Equal("none", (await cluster.Nodes[0].Client.ReshardStatusAsync()).Text("stage"));
    }

    [Fact]
    public async Task A_reshard_to_as_many_shards_as_there_are_is_done_at_once()
    {
        await Resharded.UntilSettledAsync(cluster.Nodes, Resharded.Bound);
        var epoch = await cluster.Nodes[0].Probe.EpochAsync();
        var answer = await cluster.Nodes[0].ReshardAsync((await cluster.Nodes[0].Client.ShardIdsAsync()).Count);
        Assert.Equal((200, "Resharding done successfully"), (answer.Status, answer.Message));
        Assert.Equal(epoch, await cluster.Nodes[0].Probe.EpochAsync());
    }

    [Theory]
    [InlineData("", "Shard count is missing")]
    [InlineData("{}", "Shard count is missing")]
    [InlineData("""{"shard-count": """, "Body is not valid JSON")]
    [InlineData("three", "Body is not valid JSON")]
    [InlineData("3", "Body is not a JSON object")]
    [InlineData("[3]", "Body is not a JSON object")]
    [InlineData("""{"shard-count": null}""", "Shard count is not a whole number")]
    [InlineData("""{"shard-count": "three"}""", "Shard count is not a whole number")]
    [InlineData("""{"shard-count": "-3"}""", "Shard count is not a whole number")]
    [InlineData("""{"shard-count": 2.5}""", "Shard count is not a whole number")]
    [InlineData("""{"shard-count": [3]}""", "Shard count is not a whole number")]
    [InlineData("""{"shard-count": 1e99}""", "Shard count is not a whole number")]
    [InlineData("""{"shard-count": 99999999999}""", "Shard count is not a whole number")]
    public async Task A_body_that_names_no_number_of_shards_is_refused(string body, string error)
    {
        var answer = await cluster.Nodes[0].Client.SendAsync(HttpMethod.Put, KvClient.ReshardPath, body);
        Assert.Equal((400, error, "Error in PUT"), (answer.Status, answer.Error, answer.Message));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("4")]
    [InlineData("\"10\"")]
    [InlineData("1000000000")]
    public async Task A_number_of_shards_without_two_live_nodes_for_each_is_refused(string count)
    {
        await Resharded.UntilSettledAsync(cluster.Nodes, Resharded.Bound);
        var answer = await cluster.Nodes[0].Client.SendAsync(HttpMethod.Put, KvClient.ReshardPath, $$"""{"shard-count": {{count}}}""");
        Assert.Equal((400, NotEnough, NotEnough), (answer.Status, answer.Error, answer.Message));
    }

    [Theory]
    [InlineData("POST")]
    [InlineData("PATCH")]
    public async Task Another_method_is_not_allowed(string method)
    {
        var answer = await cluster.Nodes[0].Client.SendAsync(new(method), KvClient.ReshardPath, """{"shard-count": 3}""");
        Assert.Equal((405, "Method not allowed", $"Error in {method}"), (answer.Status, answer.Error, answer.Message));
    }
}
