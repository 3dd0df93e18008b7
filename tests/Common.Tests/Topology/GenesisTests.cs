using Kv.Common.Identity;
using Kv.Common.Topology;

namespace Kv.Common.Tests.Topology;

public sealed class GenesisTests
{
    private static readonly NodeAddress[] Six = [.. Enumerable.Range(2, 6).Select(i => NodeAddress.Parse($"10.10.0.{i}:8080"))];

    [Fact]
    public void Members_are_dealt_to_the_shards_in_turn_by_address()
    {
        var topology = Genesis.Provisional(Six, 2);
        Assert.Equal(Epoch.First, topology.Epoch);
        Assert.Equal(Six, topology.Members);
        Assert.Equal(["0{10.10.0.2:8080, 10.10.0.4:8080, 10.10.0.6:8080}", "1{10.10.0.3:8080, 10.10.0.5:8080, 10.10.0.7:8080}"], topology.Shards.Select(shard => shard.ToString()));
    }

    [Fact]
    public void Addresses_are_dealt_by_number_not_by_text()
    {
        NodeAddress[] view = [NodeAddress.Parse("10.0.0.10:1"), NodeAddress.Parse("10.0.0.9:1")];
        Assert.Equal(new(0), Genesis.Provisional(view, 2).ShardOf(view[1])?.Id);
    }

    [Fact]
    public void The_order_of_the_view_does_not_matter() => Gen.Select(Gen.Shuffle(Six), Gen.Int[1, 6]).Sample(
        (view, shardCount) =>
        {
            var (one, other) = (Genesis.Provisional(Six, shardCount), Genesis.Provisional(view, shardCount));
            Assert.Equal(one.Cluster, other.Cluster);
            Assert.Equal(one.Digest, other.Digest);
            Assert.Equal(one.Shards, other.Shards);
        },
        iter: 50);

    [Fact]
    public void Shard_sizes_differ_by_at_most_one_and_every_node_is_placed() => Gen.Select(Gen.Int[1, 9], Gen.Int[1, 9]).Where(pair => pair.Item2 <= pair.Item1).Sample(
        (nodes, shardCount) =>
        {
            var topology = Genesis.Provisional([.. Enumerable.Range(1, nodes).Select(i => NodeAddress.Parse($"node{i}:80"))], shardCount);
            Assert.Equal(nodes, topology.Shards.Sum(shard => shard.Members.Length));
            Assert.InRange(topology.Shards.Max(shard => shard.Members.Length) - topology.Shards.Min(shard => shard.Members.Length), 0, 1);
        },
        iter: 30);

    [Fact]
    public void Another_view_or_another_number_of_shards_is_another_cluster() => Assert.Distinct(
    [
        Genesis.Provisional(Six, 1).Cluster,
        Genesis.Provisional(Six, 2).Cluster,
        Genesis.Provisional(Six[..5], 2).Cluster,
        Genesis.Provisional([.. Six[..5], NodeAddress.Parse("10.10.0.7:8081")], 2).Cluster,
    ]);

    [Fact]
    public void A_view_that_cannot_form_the_shards_is_refused_with_the_reason()
    {
        Assert.Contains("at least 1", Refusal(Six, 0), StringComparison.Ordinal);
        Assert.Contains("7 shards", Refusal(Six, 7), StringComparison.Ordinal);
        Assert.Contains("the view has 0", Refusal([], 1), StringComparison.Ordinal);
        Assert.Contains("10.10.0.2:8080 is in the view twice", Refusal([.. Six, Six[0]], 2), StringComparison.Ordinal);
    }

    // Nodes of different versions must find the same cluster, and tokens and data directories carry its id.
    [Fact]
    public void The_cluster_id_of_a_view_never_changes() => Assert.Equal("ff6abc0c319a9f3b", Genesis.Provisional(Six, 2).Cluster.ToString());

    private static string Refusal(NodeAddress[] view, int shardCount) =>
        Assert.Throws<ArgumentException>(() => Genesis.Provisional(view, shardCount)).Message;
}
