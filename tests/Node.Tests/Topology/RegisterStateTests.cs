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

    [Fact]
    public void A_node_whose_shard_was_changed_behind_its_back_is_displaced() =>
        Assert.Throws<RemovedFromClusterException>(() => RegisterState.New(Self, new(Founded)).Learn(Elsewhere(Founded.Layouts), Self));

    [Fact]
    public void A_node_that_a_reshard_gave_another_shard_goes_on() =>
        Assert.Equal(new(0), RegisterState.New(Self, new(Founded)).Learn(Elsewhere(Founded.Layouts.Add(2)), Self).Acceptor.Chosen.ReplicatedBy(Self.Address)?.Id);

    // Two epochs on, so that nobody asks what came between.
    private static ClusterTopology Elsewhere(ImmutableArray<int> layouts) => new(
        Founded.Cluster,
        Founded.Epoch.Next.Next,
        Founded.Members.Select(node => new TopologyMember(node, Founded.IncarnationAt(node))),
        [new(new(0), [Nodes[0], Nodes[2], Nodes[3]]), new(new(1), [Nodes[1]])],
        layouts)
    { Acceptors = Founded.Acceptors };
}
