using Kv.Common.Identity;
using Kv.Common.Migration;
using Kv.Common.Topology;

namespace Kv.Common.Tests.Migration;

/// <summary>Six nodes of three shards are to serve two, of three nodes each.</summary>
public sealed class ReshardReviewTests
{
    private static readonly NodeAddress[] Nodes = [.. Enumerable.Range(1, 6).Select(i => NodeAddress.Parse($"10.0.0.{i}:8080"))];
    private static readonly HashRing Ring = HashRing.For(2);
    private static readonly Transition ToTwo = new(new(9), new(6), 1, Ring, Ring.Shards.Select(id => new ShardMembers(id, [.. Nodes.Where((_, turn) => turn % 2 == id.Value)])));
    private static readonly ClusterTopology Topology = new(
        new(1), new(6), Nodes.Select((node, i) => new TopologyMember(node, new((ulong)i + 101))), HashRing.For(3).Shards.Select(id => new ShardMembers(id, [.. Nodes.Where((_, turn) => turn % 3 == id.Value)])), [3])
    {
        Transition = ToTwo,
    };

    [Fact]
    public void It_is_ready_when_all_who_are_alive_are_filled()
    {
        Assert.Equal(6, Assert.IsType<ReshardReview.Ready>(Review()).Filled.Length);
        Assert.Equal(5, Assert.IsType<ReshardReview.Ready>(Review(gone: [0])).Filled.Length);
    }

    [Fact]
    public void It_waits_for_whoever_is_alive_and_not_filled_and_says_who_could_do_without()
    {
        var waits = Assert.IsType<ReshardReview.Waits>(Review(filling: [3]));
        Assert.Equal([Nodes[3]], waits.For);
        Assert.Equal(Nodes.Where(node => !node.Equals(Nodes[3])).Order(), waits.Without!.Value.Select(member => member.Address).Order());
    }

    [Fact]
    public void It_cannot_do_without_when_a_shard_to_be_would_have_one_who_is_filled()
    {
        Assert.Null(Assert.IsType<ReshardReview.Waits>(Review(filling: [1, 3])).Without);
        Assert.Null(Assert.IsType<ReshardReview.Waits>(Review(filling: [1], gone: [3])).Without);
        Assert.NotNull(Assert.IsType<ReshardReview.Waits>(Review(filling: [1, 0])).Without);
    }

    [Fact]
    public void A_shard_to_be_with_one_live_node_is_lacking()
    {
        Assert.Equal(new(new(1)), Assert.IsType<ReshardReview.Lacks>(Review(gone: [1, 3])));
    }

    private static ReshardReview Review(int[]? filling = null, int[]? gone = null) => ReshardReview.Of(Topology, ToTwo, node =>
    {
        var index = Array.IndexOf(Nodes, node);
        return gone?.Contains(index) == true ? FillStanding.Gone : filling?.Contains(index) == true ? FillStanding.Filling : FillStanding.Filled;
    });
}
