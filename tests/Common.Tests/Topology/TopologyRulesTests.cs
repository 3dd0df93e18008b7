using System.Collections.Immutable;
using Kv.Common.Consensus;
using Kv.Common.Identity;
using Kv.Common.Topology;

namespace Kv.Common.Tests.Topology;

public class TopologyRulesTests
{
    internal static readonly NodeAddress[] Nodes = [.. Enumerable.Range(1, 9).Select(i => NodeAddress.Parse($"10.0.0.{i}:8080"))];
    private static readonly NodeAddress Stranger = NodeAddress.Parse("10.0.0.99:8080");
    private static ulong _lastOperation;

    [Fact]
    public void The_seal_names_those_who_are_there_and_changes_nothing_else()
    {
        var provisional = Genesis.Provisional(Nodes[..4], 2);
        var sealing = TopologyRules.Seal(provisional, Names(Nodes[..3]), Operation());
        Assert.True(sealing.IsSealed);
        Assert.Equal(provisional.Epoch.Next, sealing.Epoch);
        Assert.Equal(provisional.Digest, sealing.ParentDigest);
        Assert.Equal(provisional.Shards, sealing.Shards);
        Assert.Equal(NameOf(Nodes[0]), sealing.IncarnationAt(Nodes[0]));
        Assert.True(sealing.IncarnationAt(Nodes[3]).IsNone);
        Assert.Equal(Nodes[..3].Select(address => new Acceptor(address, NameOf(address))), sealing.Acceptors);
        Assert.False(sealing.IsMember(new(sealing.Cluster, Nodes[3], new(77))));
        Assert.True(provisional.IsMember(new(sealing.Cluster, Nodes[3], new(77))));
    }

    [Fact]
    public void Nothing_changes_before_the_seal() => Refused(
        ChangeRefusal.NotSealed, TopologyRules.Apply(Genesis.Provisional(Nodes[..2], 1), new TopologyChange.Remove(Operation(), Nodes[0])));

    [Fact]
    public void Every_change_follows_its_parent_and_carries_the_wish()
    {
        var parent = Sealed(4, 2);
        var id = Operation();
        var next = Next(parent, new TopologyChange.Admit(id, new(Nodes[4], NameOf(Nodes[4]))));
        Assert.Equal(parent.Epoch.Next, next.Epoch);
        Assert.Equal(parent.Digest, next.ParentDigest);
        Assert.Contains(id, next.RecentOperations);
        Assert.IsType<ChangeResult.AlreadySo>(TopologyRules.Apply(next, new TopologyChange.Remove(id, Nodes[0])));
    }

    [Fact]
    public void A_member_that_is_made_a_joining_one_keeps_its_name_and_is_promoted_like_any_other()
    {
        var parent = Sealed(3, 1);
        var node = new TopologyMember(Nodes[0], NameOf(Nodes[0]));
        var demoted = Next(parent, new TopologyChange.Demote(Operation(), new(0), node));
        Assert.Equal(Nodes[1..3], demoted.Find(new(0))!.Members);
        Assert.Equal([Nodes[0]], demoted.Find(new(0))!.Joining);
        Assert.Equal(node.Incarnation, demoted.IncarnationAt(Nodes[0]));
        Assert.Equal(parent.Acceptors, demoted.Acceptors);
        Assert.IsType<ChangeResult.AlreadySo>(TopologyRules.Apply(demoted, new TopologyChange.Demote(Operation(), new(0), node)));
        Assert.Equal(parent.Find(new(0)), Next(demoted, new TopologyChange.Promote(Operation(), new(0), node)).Find(new(0))! with { Members = parent.Find(new(0))!.Members });
        // One member alone would be left, and after the loss of its disk nobody.
        Refused(ChangeRefusal.LastReplica, TopologyRules.Apply(demoted, new TopologyChange.Demote(Operation(), new(0), new(Nodes[1], NameOf(Nodes[1])))));
        Refused(ChangeRefusal.NotMember, TopologyRules.Apply(parent, new TopologyChange.Demote(Operation(), new(0), node with { Incarnation = new(1000) })));
        Refused(ChangeRefusal.NotMember, TopologyRules.Apply(parent, new TopologyChange.Demote(Operation(), new(0), new(Nodes[7], NameOf(Nodes[7])))));
        Refused(ChangeRefusal.UnknownShard, TopologyRules.Apply(parent, new TopologyChange.Demote(Operation(), new(5), node)));
    }

    [Fact]
    public void A_node_that_joins_the_cluster_has_no_shard_and_may_decide()
    {
        var next = Next(Sealed(4, 2), new TopologyChange.Admit(Operation(), new(Nodes[4], NameOf(Nodes[4]))));
        Assert.Null(next.ReplicatedBy(Nodes[4]));
        Assert.Contains(new Acceptor(Nodes[4], NameOf(Nodes[4])), next.Acceptors);
        Assert.IsType<ChangeResult.AlreadySo>(TopologyRules.Apply(next, new TopologyChange.Admit(Operation(), new(Nodes[4], NameOf(Nodes[4])))));
    }

    [Fact]
    public void A_member_that_is_back_without_its_data_joins_its_shard_again_and_the_former_one_has_no_vote()
    {
        var next = Next(Sealed(4, 2), new TopologyChange.Admit(Operation(), new(Nodes[0], new(1000))));
        Assert.Equal([Nodes[2]], next.Find(new(0))!.Members);
        Assert.Equal([Nodes[0]], next.Find(new(0))!.Joining);
        Assert.DoesNotContain(new Acceptor(Nodes[0], NameOf(Nodes[0])), next.Acceptors);
        Assert.Contains(new Acceptor(Nodes[0], new(1000)), next.Acceptors);
        Assert.Null(next.ShardOf(Nodes[0]));
        Assert.Equal(ReplicaRole.Joining, next.PlaceOf(new(next.Cluster, Nodes[0], new(1000))).Role);
        Assert.Equal(ReplicaRole.None, next.PlaceOf(new(next.Cluster, Nodes[0], NameOf(Nodes[0]))).Role);
    }

    [Fact]
    public void The_only_replica_of_a_shard_stays_its_member_whoever_it_is()
    {
        var next = Next(Sealed(2, 2), new TopologyChange.Admit(Operation(), new(Nodes[0], new(1000))));
        Assert.Equal([Nodes[0]], next.Find(new(0))!.Members);
        Refused(ChangeRefusal.LastReplica, TopologyRules.Apply(next, new TopologyChange.Leave(Operation(), Nodes[0])));
        Refused(ChangeRefusal.LastReplica, TopologyRules.Apply(next, new TopologyChange.Remove(Operation(), Nodes[0])));
    }

    [Fact]
    public void A_node_leaves_before_it_is_removed_and_is_never_let_in_again_as_the_same()
    {
        var leaving = Next(Sealed(4, 2), new TopologyChange.Leave(Operation(), Nodes[0]));
        Assert.Equal([Nodes[0]], leaving.Find(new(0))!.Leaving);
        Assert.Equal([Nodes[2]], leaving.Find(new(0))!.Members);
        Assert.IsType<ChangeResult.AlreadySo>(TopologyRules.Apply(leaving, new TopologyChange.Leave(Operation(), Nodes[0])));

        var gone = Next(leaving, new TopologyChange.Remove(Operation(), Nodes[0]));
        Assert.False(gone.Includes(Nodes[0]));
        Assert.Null(gone.ReplicatedBy(Nodes[0]));
        Assert.DoesNotContain(gone.Acceptors, acceptor => acceptor.Address.Equals(Nodes[0]));
        Refused(ChangeRefusal.NotMember, TopologyRules.Apply(gone, new TopologyChange.Leave(Operation(), Nodes[0])));
        Refused(ChangeRefusal.WasRemoved, TopologyRules.Apply(gone, new TopologyChange.Admit(Operation(), new(Nodes[0], NameOf(Nodes[0])))));
        Assert.True(Next(gone, new TopologyChange.Admit(Operation(), new(Nodes[0], new(1000)))).Includes(Nodes[0]));
    }

    [Fact]
    public void A_replica_joins_and_is_promoted_by_its_name()
    {
        var grown = Next(Sealed(4, 2), new TopologyChange.Admit(Operation(), new(Nodes[4], NameOf(Nodes[4]))));
        Refused(ChangeRefusal.UnknownShard, TopologyRules.Apply(grown, new TopologyChange.AddReplica(Operation(), new(2), Nodes[4])));
        Refused(ChangeRefusal.NotMember, TopologyRules.Apply(grown, new TopologyChange.AddReplica(Operation(), new(1), Stranger)));
        Refused(ChangeRefusal.ServesAnotherShard, TopologyRules.Apply(grown, new TopologyChange.AddReplica(Operation(), new(1), Nodes[0])));
        Refused(ChangeRefusal.NotJoining, TopologyRules.Apply(grown, new TopologyChange.Promote(Operation(), new(1), new(Nodes[4], NameOf(Nodes[4])))));

        var joining = Next(grown, new TopologyChange.AddReplica(Operation(), new(1), Nodes[4]));
        Assert.Equal([Nodes[4]], joining.Find(new(1))!.Joining);
        Assert.IsType<ChangeResult.AlreadySo>(TopologyRules.Apply(joining, new TopologyChange.AddReplica(Operation(), new(1), Nodes[4])));
        Refused(ChangeRefusal.NotJoining, TopologyRules.Apply(joining, new TopologyChange.Promote(Operation(), new(1), new(Nodes[4], new(1000)))));

        var member = Next(joining, new TopologyChange.Promote(Operation(), new(1), new(Nodes[4], NameOf(Nodes[4]))));
        Assert.Equal([Nodes[1], Nodes[3], Nodes[4]], member.Find(new(1))!.Members);
        Assert.Empty(member.Find(new(1))!.Joining);
    }

    [Fact]
    public void There_are_at_most_seven_acceptors_and_those_who_decide_stay()
    {
        var nine = Sealed(9, 3);
        Assert.Equal(EpochValues.MostAcceptors, nine.Acceptors.Length);
        var eight = Next(nine, new TopologyChange.Remove(Operation(), Nodes[8]));
        Assert.Equal(nine.Acceptors, eight.Acceptors);
        var seven = Next(eight, new TopologyChange.Remove(Operation(), Nodes[0]));
        Assert.Equal(EpochValues.MostAcceptors, seven.Acceptors.Length);
        Assert.Equal(6, seven.Acceptors.Intersect(eight.Acceptors).Count());
    }

    [Fact]
    public void What_is_remembered_is_bounded()
    {
        var topology = Sealed(2, 1);
        for (var i = 0; i < 100; i++)
        {
            topology = Next(topology, new TopologyChange.Admit(Operation(), new(Stranger, new((ulong)(5000 + i)))));
            topology = Next(topology, new TopologyChange.Remove(Operation(), Stranger));
        }

        Assert.Equal(ClusterTopology.MostRemoved, topology.Removed.Length);
        Assert.Equal(new(5099), topology.Removed[^1]);
        Assert.Equal(ClusterTopology.MostRecentOperations, topology.RecentOperations.Length);
    }

    [Fact]
    public void Recovery_begins_a_generation_in_which_the_survivors_decide_and_serve()
    {
        var lost = Sealed(6, 2);
        var recovered = TopologyRules.Recover(lost, [Nodes[0], Nodes[3]]);
        Assert.True(recovered.Epoch > new Epoch(uint.MaxValue));
        Assert.Equal([Nodes[0], Nodes[3]], recovered.Acceptors.Select(acceptor => acceptor.Address));
        Assert.Equal([Nodes[0]], recovered.Find(new(0))!.Members);
        Assert.Equal([Nodes[2], Nodes[4]], recovered.Find(new(0))!.Joining);
        Assert.Equal(lost.Members, recovered.Members);
        Assert.Equal(recovered.Digest, TopologyRules.Recover(lost, [Nodes[0], Nodes[3]]).Digest);

        var back = Next(recovered, new TopologyChange.Admit(Operation(), new(Nodes[2], NameOf(Nodes[2]))));
        Assert.Equal(ReplicaRole.Joining, back.PlaceOf(new(back.Cluster, Nodes[2], NameOf(Nodes[2]))).Role);
        Assert.Throws<ArgumentException>(() => TopologyRules.Recover(lost, []));
        Assert.Throws<ArgumentException>(() => TopologyRules.Recover(lost, [Stranger]));
    }

    [Fact]
    public void A_shard_without_survivors_keeps_its_members_for_when_they_come_back()
    {
        var recovered = TopologyRules.Recover(Sealed(4, 2), [Nodes[0]]);
        Assert.Equal([Nodes[1], Nodes[3]], recovered.Find(new(1))!.Members);
        var first = Next(recovered, new TopologyChange.Admit(Operation(), new(Nodes[1], NameOf(Nodes[1]))));
        Assert.Contains(Nodes[1], first.Find(new(1))!.Members);
    }

    internal static ClusterTopology Sealed(int nodes, int shards) => TopologyRules.Seal(Genesis.Provisional(Nodes[..nodes], shards), Names(Nodes[..nodes]), Operation());

    internal static ClusterTopology Next(ClusterTopology parent, TopologyChange change)
    {
        var next = Assert.IsType<ChangeResult.Next>(TopologyRules.Apply(parent, change)).Topology;
        EpochValues.RequireSuccessor(parent, next);
        return next;
    }

    internal static void Refused(ChangeRefusal reason, ChangeResult result) => Assert.Equal(reason, Assert.IsType<ChangeResult.Refused>(result).Reason);

    internal static Incarnation NameOf(NodeAddress address) => new((ulong)Array.IndexOf(Nodes, address) + 100);

    private static ImmutableDictionary<NodeAddress, Incarnation> Names(NodeAddress[] nodes) => nodes.ToImmutableDictionary(address => address, NameOf);

    internal static OperationId Operation() => new(Interlocked.Increment(ref _lastOperation));
}
