using System.Collections.Immutable;
using Kv.Common.Identity;
using Kv.Common.Topology;

namespace Kv.Common.Tests.Topology;

public sealed class RebalanceTests
{
    private static readonly NodeAddress[] Nodes = [.. Enumerable.Range(1, 8).Select(i => NodeAddress.Parse($"10.0.0.{i}:8080"))];

    private static readonly Gen<Node> AnyNode =
        Gen.Select(Gen.Int[-1, 3], Gen.Int[0, 5], Gen.Int[0, 7], Gen.Int[0, 3], (shard, role, name, live) => new Node(shard, role, name > 0, live > 0));

    // The first node of each shard is its member, since a shard has one.
    private static readonly Gen<(ClusterTopology Topology, HashSet<NodeAddress> Live, int ShardCount)> Clusters =
        Gen.Select(AnyNode.Array[4, 8], Gen.Int[1, 4], Gen.Int[1, 4], (nodes, before, after) => (
            Of(before, nodes),
            Nodes[..nodes.Length].Where((_, i) => nodes[i].IsLive).ToHashSet(),
            after));

    [Fact]
    public void Every_shard_has_equally_many_live_nodes_give_or_take_one_and_never_fewer_than_two() => Clusters.Sample((topology, live, shardCount) =>
    {
        var candidates = Candidates(topology, live);
        if (Rebalance.Plan(topology, shardCount, live) is not { } plan)
        {
            Assert.True(candidates.Count < 2 * shardCount);
            return;
        }

        Assert.Equal(Enumerable.Range(0, shardCount), plan.Select(shard => shard.Id.Value));
        Assert.Equal(candidates, plan.SelectMany(shard => shard.Members).Order());
        Assert.True(plan.Min(shard => shard.Members.Length) >= 2);
        Assert.InRange(plan.Max(shard => shard.Members.Length) - plan.Min(shard => shard.Members.Length), 0, 1);
        Assert.All(plan, shard => Assert.Equal(shard.Members.Order(), shard.Members));
    });

    [Fact]
    public void No_balanced_plan_moves_fewer_nodes() => Clusters.Where((topology, live, shardCount) => Candidates(topology, live).Count >= 2 * shardCount).Sample(
        (topology, live, shardCount) =>
        {
            var candidates = Candidates(topology, live);
            int[] former = [.. candidates.Select(node => topology.ReplicatedBy(node)?.Id.Value ?? -1)];
            var plan = Rebalance.Plan(topology, shardCount, live)!.Value;
            var moved = candidates.Where((node, i) => former[i] >= 0 && !plan.Any(shard => shard.Id.Value == former[i] && shard.Includes(node))).Count();
            Assert.Equal(FewestMoves(former, shardCount), moved);
        },
        iter: 200);

    [Fact]
    public void Whoever_is_in_a_shard_and_not_alive_is_placed_as_joining_in_its_shard_while_that_exists() => Clusters.Sample((topology, live, shardCount) =>
    {
        if (Rebalance.Plan(topology, shardCount, live) is not { } plan) return;
        var absent = topology.Shards.SelectMany(shard => shard.Members.Concat(shard.Joining)).Except(Candidates(topology, live)).Order().ToList();
        Assert.Equal(absent, plan.SelectMany(shard => shard.Joining).Order());
        foreach (var node in absent.Where(node => topology.ReplicatedBy(node)!.Id.Value < shardCount)) Assert.Contains(node, plan[topology.ReplicatedBy(node)!.Id.Value].Joining);
    });

    [Fact]
    public void The_plan_depends_on_no_order() => Gen.Select(Clusters, Gen.Shuffle(Nodes)).Sample((cluster, order) =>
    {
        var (topology, live, shardCount) = cluster;
        var members = order.Where(topology.Includes).Select(node => new TopologyMember(node, topology.IncarnationAt(node)));
        ImmutableArray<NodeAddress> Reordered(ImmutableArray<NodeAddress> nodes) => [.. order.Where(node => nodes.Contains(node))];
        var shards = topology.Shards.Reverse().Select(shard => shard with { Members = Reordered(shard.Members), Joining = Reordered(shard.Joining), Leaving = Reordered(shard.Leaving) });
        var reordered = new ClusterTopology(topology.Cluster, topology.Epoch, members, shards, topology.Ring);
        var plan = Rebalance.Plan(topology, shardCount, live);
        var again = Rebalance.Plan(reordered, shardCount, order.Where(live.Contains).ToHashSet());
        Assert.Equal(plan is null, again is null);
        if (plan is not null) Assert.Equal(plan.Value, again!.Value);
    });

    [Fact]
    public void A_plan_once_carried_out_is_the_plan_again() => Clusters.Sample((topology, live, shardCount) =>
    {
        if (Rebalance.Plan(topology, shardCount, live) is not { } plan) return;
        var members = topology.Members.Select(node => new TopologyMember(node, topology.IncarnationAt(node))).Where(node => plan.Any(shard => shard.IsReplicatedBy(node.Address)));
        var after = new ClusterTopology(topology.Cluster, topology.Epoch.Next, members, plan, topology.Layouts.Add(shardCount));
        Assert.Equal(plan, Rebalance.Plan(after, shardCount, live)!.Value);
    });

    [Fact]
    public void Whoever_has_no_shard_is_given_out_first_and_of_the_surplus_the_greatest_addresses_go()
    {
        // Two shards of three, and a spare one: a third shard gets the spare one and one more, from the first of the two.
        var topology = Of(2, [.. Enumerable.Range(0, 7).Select(i => new Node(i < 6 ? i % 2 : -1, 0, true, true))]);
        var plan = Rebalance.Plan(topology, 3, Nodes.ToHashSet())!.Value;
        Assert.Equal(["0{10.0.0.1:8080, 10.0.0.3:8080, 10.0.0.5:8080}", "1{10.0.0.2:8080, 10.0.0.4:8080}", "2{10.0.0.6:8080, 10.0.0.7:8080}"], plan.Select(shard => shard.ToString()));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(4)]
    [InlineData(4097)]
    [InlineData(int.MaxValue)]
    public void There_is_no_plan_for_a_number_of_shards_that_cannot_be(int shardCount) =>
        Assert.Null(Rebalance.Plan(Of(2, [.. Enumerable.Range(0, 7).Select(i => new Node(i % 2, 0, true, true))]), shardCount, Nodes.ToHashSet()));

    private static List<NodeAddress> Candidates(ClusterTopology topology, HashSet<NodeAddress> live) =>
        [.. topology.Members.Where(node => live.Contains(node) && !topology.IncarnationAt(node).IsNone && !topology.Shards.Any(shard => shard.Leaving.Contains(node)))];

    // Every way to deal the nodes out, tried.
    private static int FewestMoves(int[] former, int shardCount)
    {
        var sizes = new int[shardCount];
        int Best(int node)
        {
            if (node == former.Length) return sizes.Max() - sizes.Min() <= 1 ? 0 : int.MaxValue;
            var best = int.MaxValue;
            for (var shard = 0; shard < shardCount; shard++)
            {
                sizes[shard]++;
                var rest = Best(node + 1);
                if (rest != int.MaxValue) best = Math.Min(best, rest + (former[node] >= 0 && former[node] != shard ? 1 : 0));
                sizes[shard]--;
            }

            return best;
        }

        return Best(0);
    }

    private static ClusterTopology Of(int shardCount, Node[] nodes)
    {
        var shards = Enumerable.Range(0, shardCount).Select(id => new ShardMembers(new(id), [Nodes[id]])).ToArray();
        for (var i = shardCount; i < nodes.Length; i++)
        {
            if (nodes[i].Shard < 0) continue;
            ref var shard = ref shards[nodes[i].Shard % shardCount];
            shard = nodes[i].Role switch
            {
                4 => shard with { Joining = shard.Joining.Add(Nodes[i]) },
                5 => shard with { Leaving = shard.Leaving.Add(Nodes[i]) },
                _ => shard with { Members = shard.Members.Add(Nodes[i]) },
            };
        }

        return new(new(7), new(5), nodes.Select((node, i) => new TopologyMember(Nodes[i], node.HasName ? new((ulong)i + 1) : default)), shards, HashRing.For(shardCount));
    }

    private sealed record Node(int Shard, int Role, bool HasName, bool IsLive);
}
