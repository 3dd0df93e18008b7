using Kv.Common.Membership;
using Kv.Common.Topology;

namespace Kv.Node.Tests.Membership;

/// <summary>Peers come and go with the topology, and every loop ends when it is told to.</summary>
public class TopologyFollowingTests
{
    // The members of the first cluster and those of a later epoch, with the first one's identity.
    private static ClusterTopology Next(ClusterTopology from, params IEnumerable<int> members)
    {
        var genesis = Genesis.Provisional([.. members.Select(VirtualCluster.AddressOf)], 1);
        // The cluster names its nodes in the order in which they start.
        return new(from.Cluster, from.Epoch.Next, members.Select(index => new TopologyMember(VirtualCluster.AddressOf(index), new((ulong)index + 1))), genesis.Shards, genesis.Ring);
    }

    [Fact]
    public void A_new_member_enters_the_view_of_those_that_know_of_it_and_its_epoch_is_seen_by_those_that_do_not()
    {
        var cluster = VirtualCluster.Formed(2);
        var grown = Next(cluster.Topology, 0, 1, 2);
        var joiner = cluster.Start(2, topology: grown);
        cluster[0].Topology.Publish(grown);
        cluster.Advance(1000);

        Assert.Equal(3, joiner.View.LiveMembers.Length);
        Assert.Equal(3, cluster[0].View.LiveMembers.Length);
        Assert.Equal(2, cluster[1].View.LiveMembers.Length);
        Assert.Equal(grown.Epoch, cluster[1].View.Find(joiner.Address)!.Epoch);

        cluster[1].Topology.Publish(grown);
        cluster.Advance(200);
        Assert.Equal(3, cluster[1].View.LiveMembers.Length);
    }

    [Fact]
    public void A_removed_member_leaves_the_view_at_once_and_memory_when_it_falls_silent()
    {
        var cluster = VirtualCluster.Formed(3);
        var shrunk = Next(cluster.Topology, 0, 1);
        cluster[0].Topology.Publish(shrunk);
        cluster[1].Topology.Publish(shrunk);
        cluster.Advance(200);
        Assert.Equal(2, cluster[0].View.LiveMembers.Length);
        Assert.Equal(PeerState.Alive, cluster[0].StateOf(cluster[2].Address));

        cluster.Kill(2, silently: false);
        cluster.Advance(3000);
        Assert.Null(cluster[0].View.Find(VirtualCluster.AddressOf(2)));
    }

    [Fact]
    public void Whoever_is_at_a_members_address_and_was_not_admitted_is_heard_and_is_no_member()
    {
        var cluster = VirtualCluster.Formed(2);
        var named = Next(cluster.Topology, 0, 1);
        cluster[0].Topology.Publish(named);
        cluster.Kill(1, silently: false);
        cluster.Advance(3000);
        cluster.Start(1, incarnation: new(77), topology: named);
        cluster.Advance(2000);
        Assert.Equal(PeerState.Alive, cluster[0].StateOf(VirtualCluster.AddressOf(1)));
        Assert.False(cluster[0].View.IsReachable(VirtualCluster.AddressOf(1)));
        Assert.Equal([VirtualCluster.AddressOf(0)], cluster[0].View.LiveMembers);
    }

    [Fact]
    public void A_stream_that_fell_silent_is_opened_anew_and_nobody_is_suspected()
    {
        var cluster = VirtualCluster.Formed(2);
        var opened = cluster.Network.Opened;
        // Long enough to lose a beat on every stream, which stays stuck, and too short to be missed.
        cluster.Network.CutBoth(cluster[0].Address, cluster[1].Address);
        cluster.Advance(600);
        cluster.Network.Heal();
        cluster.Advance(10_000);
        Assert.True(cluster.Network.Opened >= opened + 2);
        Assert.All(cluster.Running, node => Assert.Equal(2, node.View.LiveMembers.Length));
    }

    [Fact]
    public void In_quiet_no_stream_is_ever_opened_twice()
    {
        var cluster = VirtualCluster.Formed(5);
        cluster.Advance(60_000);
        Assert.Equal(5 * 4, cluster.Network.Opened);
    }

    [Fact]
    public void Every_loop_ends_when_it_is_cancelled()
    {
        var cluster = VirtualCluster.Formed(3);
        cluster.Kill(2, silently: true);
        cluster.Advance(1900);
        var ended = cluster[0].StopAsync();
        cluster.Advance(10);
        Assert.Equal(TaskStatus.RanToCompletion, ended.Status);
    }
}
