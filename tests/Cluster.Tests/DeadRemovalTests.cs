using Kv.TestSupport;

namespace Kv.Cluster.Tests;

/// <summary>Members that stay away for good are let go, where that is asked for, and nobody is whom a shard cannot spare.</summary>
public sealed class DeadRemovalTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_member_that_is_dead_for_long_is_removed_unless_its_shard_would_be_left_with_one()
    {
        var patience = new Dictionary<string, string> { ["Topology__RemoveDeadAfter"] = "00:00:02" };
        await using var cluster = await LocalCluster.StartAsync(nodes: 5, shards: 2, (_, _) => patience);
        await cluster.UntilSealedAsync();
        var (ofThree, ofTwo) = (cluster[4], cluster[3]);
        Assert.Equal(3, (await cluster[0].Client.MembersAsync("0")).Count);
        Assert.Equal(2, (await cluster[0].Client.MembersAsync("1")).Count);

        // Dead first, and of a shard of two: it stays.
        await ofTwo.Process.KillAsync();
        await Eventually.Async(() => cluster[0].Client.ViewAsync(), view => !view.Contains(ofTwo.Address), Bound, $"{ofTwo.Address} is dead");
        await ofThree.Process.KillAsync();
        await Eventually.Async(() => cluster[0].Client.MembersAsync("0"), members => !members.Contains(ofThree.Address), Bound, $"{ofThree.Address} is removed");
        Assert.Contains(ofTwo.Address, (await cluster[0].Probe.TopologyAsync(Bound)).Members.Select(member => member.ToString()));

        // It comes back as it was; the other one has to be let in.
        ofTwo.Start();
        await ofTwo.UntilReadyAsync();
        ofThree.Start();
        await Eventually.Async(async () => (await ofThree.Client.TryAsync(node => node.GetPathAsync("/key-value-store-shard/node-shard-id")))?.Status ?? 0, status => status == 404, Bound, $"{ofThree.Address} waits to be let in");
    }
}
