using System.Collections.Immutable;
using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Topology;

namespace Kv.Node.Tests.Topology;

public sealed class RegisterStateTests
{
    private static readonly NodeAddress[] Nodes = [.. Enumerable.Range(2, 4).Select(i => NodeAddress.Parse($"10.10.0.{i}:8080"))];
    private static readonly ClusterTopology Founded = TopologyRules.Seal(
        Genesis.Provisional(Nodes, 2), Nodes.ToDictionary(node => node, node => new Incarnation((ulong)Array.IndexOf(Nodes, node) + 1)), new(1));

    private static readonly NodeIdentity Self = new(Founded.Cluster, Nodes[3], Founded.IncarnationAt(Nodes[3]));
    private static readonly NodeIdentity Anew = Self with { Incarnation = new(99) };

    [Fact]
    public void A_node_whose_shard_was_changed_behind_its_back_is_displaced() =>
        Assert.Throws<RemovedFromClusterException>(() => RegisterState.New(Self, new(Founded)).Learn(Elsewhere(Founded.Layouts), Self));

    [Fact]
    public void A_node_that_a_reshard_gave_another_shard_goes_on() =>
        Assert.Equal(new(0), RegisterState.New(Self, new(Founded)).Learn(Elsewhere(Founded.Layouts.Add(2)), Self).Acceptor.Chosen.ReplicatedBy(Self.Address)?.Id);

    [Fact]
    public void A_node_made_anew_that_is_admitted_after_its_address_was_removed_has_the_data_of_a_shard_and_ends()
    {
        var begun = RegisterState.New(Anew, new(Founded));
        Assert.True(begun.Learn(After(2, Anew, joins: true), Anew).Acceptor.Chosen.IsMember(Anew));
        // Whether it heard of the removal or not.
        Assert.Throws<RemovedFromClusterException>(() => begun.Learn(After(3, Anew, joins: false), Anew));
        var told = begun.Learn(After(2, null, joins: false), Anew);
        Assert.True(told.WasMember);
        Assert.Throws<RemovedFromClusterException>(() => told.Learn(After(4, Anew, joins: false), Anew));
    }

    // The fourth node's address is that node's, or nobody's.
    private static ClusterTopology After(int epochs, NodeIdentity? fourth, bool joins) => new(
        Founded.Cluster,
        Enumerable.Range(0, epochs).Aggregate(Founded.Epoch, (epoch, _) => epoch.Next),
        [.. Nodes[..3].Select(node => new TopologyMember(node, Founded.IncarnationAt(node))), .. fourth is null ? Array.Empty<TopologyMember>() : [new(fourth.Address, fourth.Incarnation)]],
        Founded.Shards.Select(shard => shard.Without(Nodes[3])).Select(shard => joins && shard.Id == Founded.ReplicatedBy(Nodes[3])!.Id ? shard with { Joining = [Nodes[3]] } : shard),
        Founded.Layouts)
    { Acceptors = Founded.Acceptors };

    // Two epochs on, so that nobody asks what came between.
    private static ClusterTopology Elsewhere(ImmutableArray<int> layouts) => new(
        Founded.Cluster,
        Founded.Epoch.Next.Next,
        Founded.Members.Select(node => new TopologyMember(node, Founded.IncarnationAt(node))),
        [new(new(0), [Nodes[0], Nodes[2], Nodes[3]]), new(new(1), [Nodes[1]])],
        layouts)
    { Acceptors = Founded.Acceptors };
}
