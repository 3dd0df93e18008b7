using Kv.Common.Identity;
using Kv.Common.Topology;

namespace Kv.Common.Tests.Topology;

public sealed class ClusterTopologyTests
{
    private static readonly NodeAddress[] Nodes = [.. Enumerable.Range(1, 5).Select(i => NodeAddress.Parse($"10.0.0.{i}:8080"))];

    [Fact]
    public void A_key_belongs_to_the_shard_that_owns_its_position() => Gen.Select(Gen.Int[1, 5], Gen.Int[0, 1000]).Sample(
        (shardCount, i) =>
        {
            var topology = Genesis.Provisional(Nodes, shardCount);
            var key = new Key($"key{i}");
            Assert.Equal(topology.Ring.OwnerOf(key.Position), topology.ShardOf(key).Id);
            Assert.Same(topology.ShardOf(key), topology.Find(topology.ShardOf(key).Id));
        },
        iter: 50);

    [Fact]
    public void A_node_is_found_in_its_shard_and_a_spare_one_in_none()
    {
        var topology = Two([Nodes[0], Nodes[2]], [Nodes[1]]);
        Assert.Equal(new(0), topology.ShardOf(Nodes[2])?.Id);
        Assert.Equal(new(1), topology.ShardOf(Nodes[1])?.Id);
        Assert.Null(topology.ShardOf(Nodes[4]));
        Assert.Contains(Nodes[4], topology.Members);
        Assert.Null(topology.ShardOf(NodeAddress.Parse("elsewhere:1")));
        Assert.Null(topology.Find(new(2)));
        Assert.Null(topology.Find(new(-1)));
    }

    [Fact]
    public void The_digest_does_not_depend_on_the_order_in_which_things_were_named() => Gen.Shuffle(Nodes).Sample(
        shuffled =>
        {
            ShardMembers[] shards = [new(new(1), [Nodes[1]]), new(new(0), [Nodes[2], Nodes[0]])];
            var topology = new ClusterTopology(new(7), Epoch.First, shuffled.Select(Unnamed), shards, HashRing.For(2));
            Assert.Equal(Two([Nodes[0], Nodes[2]], [Nodes[1]]).Digest, topology.Digest);
            Assert.Equal(Nodes, topology.Members);
            Assert.Equal([new(0), new(1)], topology.Shards.Select(shard => shard.Id));
            Assert.Equal([Nodes[0], Nodes[2]], topology.Shards[0].Members);
        },
        iter: 10);

    [Fact]
    public void Different_topologies_have_different_digests()
    {
        var ring = HashRing.For(2);
        ShardMembers[] shards = [new(new(0), [Nodes[0], Nodes[2]]), new(new(1), [Nodes[1]])];
        ClusterTopology[] all =
        [
            new(new(7), Epoch.First, Nodes.Select(Unnamed), shards, ring),
            new(new(8), Epoch.First, Nodes.Select(Unnamed), shards, ring),
            new(new(7), Epoch.First.Next, Nodes.Select(Unnamed), shards, ring),
            new(new(7), Epoch.First, Nodes[..4].Select(Unnamed), shards, ring),
            new(new(7), Epoch.First, Nodes.Select(Unnamed), [new(new(0), [Nodes[0]]), new(new(1), [Nodes[1], Nodes[2]])], ring),
            new(new(7), Epoch.First, Nodes.Select(Unnamed), [new(new(0), [Nodes[0], Nodes[1], Nodes[2]])], HashRing.For(1)),
        ];
        Assert.Distinct(all.Select(topology => topology.Digest));
    }

    [Fact]
    public void What_contradicts_itself_is_refused()
    {
        Assert.Throws<ArgumentException>(() => new ClusterTopology(new(7), Epoch.First, [Unnamed(Nodes[0]), Unnamed(Nodes[0])], [new(new(0), [Nodes[0]])], HashRing.For(1)));
        Assert.Throws<ArgumentException>(() => Two([Nodes[0]], [Nodes[0]]));
        Assert.Throws<ArgumentException>(() => Two([Nodes[0], Nodes[0]], [Nodes[1]]));
        Assert.Throws<ArgumentException>(() => Two([Nodes[0]], []));
        Assert.Throws<ArgumentException>(() => Two([Nodes[0]], [NodeAddress.Parse("elsewhere:1")]));
        Assert.Throws<ArgumentException>(() => new ClusterTopology(new(7), Epoch.First, Nodes.Select(Unnamed), [new(new(0), [Nodes[0]])], HashRing.For(2)));
        Assert.Throws<ArgumentException>(() => new ClusterTopology(new(7), Epoch.First, Nodes.Select(Unnamed), [new(new(1), [Nodes[0]])], HashRing.For(1)));
    }

    private static TopologyMember Unnamed(NodeAddress address) => new(address, default);

    private static ClusterTopology Two(NodeAddress[] first, NodeAddress[] second) =>
        new(new(7), Epoch.First, Nodes.Select(Unnamed), [new(new(0), [.. first]), new(new(1), [.. second])], HashRing.For(2));
}
