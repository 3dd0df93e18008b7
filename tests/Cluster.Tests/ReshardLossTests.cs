using Kv.TestSupport;

namespace Kv.Cluster.Tests;

/// <summary>Nodes that die, are cut off or are not there while the shards change.</summary>
public sealed class ReshardLossTests
{
    // From the death of the node that was asked until the others have finished, or rolled back.
    private static readonly TimeSpan EndBound = TimeSpan.FromSeconds(30);

    // Asked is the lowest, which also drives it; killed when a commit may count it as if it were alive. An earlier death is tested on containers.
    [Fact]
    public async Task When_the_node_that_was_asked_is_killed_the_others_end_the_reshard_and_nothing_acknowledged_is_lost_and_it_comes_back_into_a_shard()
    {
        await using var cluster = await LocalCluster.StartAsync(nodes: 7, shards: 2, (_, _) => Resharded.Slow);
        await cluster.UntilSealedAsync();
        var preloaded = await Resharded.PreloadAsync(cluster.Nodes, "kept");
        var asked = cluster[0];
        var others = cluster.Nodes.Where(node => node != asked).ToList();
        using var load = new Load(cluster.Nodes);

        var answer = asked.Client.TryAsync(_ => asked.ReshardAsync(3));
        await Resharded.UntilNearlyDoneAsync(others[^1]);
        await asked.Process.KillAsync();
        var settled = await Resharded.UntilSettledAsync(others, EndBound);
        TestContext.Current.TestOutputHelper!.WriteLine($"Asked was {asked.Address}, which had answered {await answer}; in the end: {settled}");

        var written = await load.StopAsync();
        Assert.Empty(load.Violations);
        Assert.NotEmpty(written);
        await Resharded.ReadAsync(others, written);
        await Resharded.ReadAsync(others, preloaded);

        // What it may have been given up for is asked for again.
        var again = await others[0].ReshardAsync(3);
        Assert.True(again.Status == 200, again.ToString());

        // Whether or not it still has a shard, it answers as soon as it is back: through those who have.
        await asked.Process.DisposeAsync();
        asked.Start();
        await Eventually.Async(
            () => asked.Client.TryAsync(client => client.GetAsync(preloaded.Keys.First())), read => read is { Status: 200 }, Resharded.Bound, "the node that is back answers");
        await UntilMemberAsync(asked, others[0]);
        await asked.UntilReadyAsync();
        var put = await asked.Client.PutAsync("after", "1", query: "?w=all");
        Assert.True(put.Status == 201, put.ToString());
        await Resharded.ReadAsync(cluster.Nodes, written);
        await Resharded.ReadAsync(cluster.Nodes, preloaded);
        await SameCountsAsync(cluster.Nodes);
    }

    [Fact]
    public async Task What_a_node_accepted_alone_while_it_was_cut_off_during_a_reshard_is_with_the_present_owners_when_it_is_back()
    {
        await using var cluster = new CutOffNode(nodes: 7, shards: 2, Resharded.Slow);
        await cluster.InitializeAsync();
        await cluster.Cluster.UntilSealedAsync();
        var nodes = cluster.Cluster.Nodes;
        var preloaded = await Resharded.PreloadAsync(nodes, "kept");
        var shard = (await cluster.Alone.Client.GetPathAsync("/key-value-store-shard/node-shard-id")).Text("shard-id");

        var asked = cluster.Rest[2].ReshardAsync(3);
        await Resharded.UntilMovingAsync(cluster.Rest[0]);
        Dictionary<string, (string Value, string Token)> alone = [];
        cluster.Cut();
        try
        {
            foreach (var (key, _) in preloaded.Where(each => each.Value.Text("shard-id") == shard).Take(100))
            {
                var put = await cluster.Alone.Client.PutAsync(key, "\"alone\"", query: "?w=local");
                Assert.True(put.Status == 200, put.ToString());
                alone[key] = ("\"alone\"", put.Token);
            }

            var done = await asked;
            Assert.True(done.Status == 200, done.ToString());
        }
        finally
        {
            await cluster.HealAsync();
        }

        Assert.NotEmpty(alone);
        foreach (var node in cluster.Rest)
        {
            foreach (var (key, (value, token)) in alone)
                await Eventually.Async(() => node.Client.GetAsync(key, token), read => read.Status == 200 && read.RawValue == value, Resharded.Bound, $"{key} is what was written alone, through {node.Address}");
        }

        // They went to more than one shard, or the reshard would have had no part in it.
        var owners = await Task.WhenAll(alone.Keys.Select(async key => (await cluster.Rest[0].Client.GetAsync(key)).Text("shard-id")));
        Assert.InRange(owners.Distinct().Count(), 2, 3);
        await UntilMemberAsync(cluster.Alone, cluster.Rest[0]);
        await SameCountsAsync(nodes);
    }

    private static async Task UntilMemberAsync(LocalNode node, LocalNode asked)
    {
        try
        {
            await Eventually.Async(
                async () => Resharded.Text(await Resharded.ShardsAsync(asked)), shards => shards.Contains(node.Address, StringComparison.Ordinal), Resharded.Bound, $"{node.Address} is a member of a shard again");
        }
        catch (TimeoutException late)
        {
            throw new TimeoutException($"{late.Message}. It wrote:\n{node.Process.LogTail}", late);
        }
    }

    private static async Task SameCountsAsync(IReadOnlyList<LocalNode> nodes) => await Eventually.Async(
        async () => string.Join(' ', (await Task.WhenAll(nodes.Select(node => node.Client.KeyCountAsync()))).Distinct()),
        counts => !counts.Contains(' ', StringComparison.Ordinal),
        Resharded.Bound,
        "whoever is asked counts the same keys");
}
