using System.Collections.Immutable;
using Kv.Common.Identity;
using Kv.Common.Topology;
using static Kv.Common.Tests.Topology.TopologyRulesTests;

namespace Kv.Common.Tests.Topology;

public sealed class ReshardRulesTests
{
    // Shard 0 of the first and the third node and so on; the last one is placed nowhere.
    private static readonly ClusterTopology Seven = Admitted(Sealed(6, 2), 6);
    private static readonly ClusterTopology Resharding = Begin(Seven, 3);

    [Fact]
    public void A_reshard_that_begins_changes_nothing_but_what_is_to_be()
    {
        var transition = Resharding.Transition!;
        Assert.Equal(Seven.Shards, Resharding.Shards);
        Assert.Equal(Seven.Layouts, Resharding.Layouts);
        Assert.Equal(Resharding.Epoch, transition.Begun);
        Assert.Equal(1, transition.Layout);
        Assert.Equal(3, transition.Ring.ShardCount);
        Assert.Equal(Rebalance.Plan(Seven, 3, Seven.Members.ToHashSet())!.Value, transition.Shards);
        Assert.Contains(transition.Id, Resharding.RecentOperations);
        Assert.Equal(new(0, transition.Id), Resharding.Scope);
    }

    [Fact]
    public void Only_one_reshard_runs_at_a_time()
    {
        Refused(ChangeRefusal.ReshardRunning, Wish(Resharding, id => new TopologyChange.BeginReshard(id, 1, Resharding.Members)));
        Assert.IsType<ChangeResult.AlreadySo>(TopologyRules.Apply(Resharding, new TopologyChange.BeginReshard(Resharding.Transition!.Id, 3, Resharding.Members)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-3)]
    [InlineData(4)]
    [InlineData(4097)]
    public void Every_shard_to_be_needs_two_live_nodes(int shardCount) =>
        Refused(ChangeRefusal.NotEnoughNodes, Wish(Seven, id => new TopologyChange.BeginReshard(id, shardCount, Seven.Members)));

    [Fact]
    public void Nodes_that_are_not_alive_do_not_count() =>
        Refused(ChangeRefusal.NotEnoughNodes, Wish(Seven, id => new TopologyChange.BeginReshard(id, 3, Seven.Members[..5])));

    [Fact]
    public void What_would_be_as_it_is_is_so_already()
    {
        var six = Sealed(6, 2);
        Assert.IsType<ChangeResult.AlreadySo>(Wish(six, id => new TopologyChange.BeginReshard(id, 2, six.Members)));
        var leaving = Next(six, new TopologyChange.Leave(new(700), six.Members[0]));
        Assert.IsType<ChangeResult.AlreadySo>(Wish(leaving, id => new TopologyChange.BeginReshard(id, 2, leaving.Members)));
        // Whoever is not alive need not be moved to where it is.
        Assert.IsType<ChangeResult.AlreadySo>(Wish(six, id => new TopologyChange.BeginReshard(id, 2, six.Members[1..])));
        // Not when there is a node to place.
        Assert.Equal([4, 3], Begin(Seven, 2).Transition!.Shards.Select(shard => shard.Members.Length));
    }

    [Fact]
    public void A_commit_makes_the_shards_to_be_the_shards()
    {
        var transition = Resharding.Transition!;
        var after = Commit(Resharding, Resharding.Members);
        Assert.Equal([2, 3], after.Layouts);
        Assert.Equal(1, after.Layout);
        Assert.Equal(transition.Shards, after.Shards);
        Assert.Null(after.Transition);
        Assert.Equal(new(transition.Id, Committed: true), after.LastReshard);
        Assert.Equal(new(1, default), after.Scope);
        Assert.Equal(Resharding.Members, after.Members);
    }

    [Fact]
    public void Whoever_is_not_filled_at_the_commit_joins_and_whoever_was_not_alive_and_is_filled_serves()
    {
        var begun = Begin(Seven, 2, live: Seven.Members[1..]);
        var (dead, late) = (begun.Members[0], begun.Members[6]);
        Assert.Contains(dead, begun.Transition!.Find(new(0))!.Joining);
        var after = Commit(begun, begun.Members.Remove(late));
        Assert.Equal([late], after.Shards.SelectMany(shard => shard.Joining));
        Assert.Contains(dead, after.Find(new(0))!.Members);
    }

    [Fact]
    public void Whoever_leaves_is_nowhere_after_the_commit()
    {
        var leaver = Seven.Members[0];
        var begun = Begin(Next(Seven, new TopologyChange.Leave(new(700), leaver)), 3);
        Assert.Contains(leaver, begun.Find(new(0))!.Leaving);
        var after = Commit(begun, begun.Members);
        Assert.Null(after.ReplicatedBy(leaver));
        Assert.True(after.Includes(leaver));
    }

    [Fact]
    public void A_commit_needs_two_filled_nodes_in_every_shard_by_address_and_name()
    {
        var target = Resharding.Transition!.Shards[^1].Members;
        Assert.Equal(2, target.Length);
        Refused(ChangeRefusal.NotFilled, Wish(Resharding, id => CommitOf(id, Resharding, Resharding.Members.Remove(target[0]))));
        Refused(ChangeRefusal.NotFilled, Wish(Resharding, id => new TopologyChange.CommitReshard(id, Resharding.Transition.Id, [])));
        Refused(ChangeRefusal.NotFilled, Wish(Resharding, id => new TopologyChange.CommitReshard(
            id, Resharding.Transition.Id, [.. Resharding.Members.Select(node => new TopologyMember(node, node.Equals(target[0]) ? new(1000) : Resharding.IncarnationAt(node)))])));

        // It lost its data meanwhile: what was filled is no more.
        var (wish, again) = (CommitOf(new(701), Resharding, Resharding.Members), Next(Resharding, new TopologyChange.Admit(new(702), new(target[0], new(1000)))));
        Refused(ChangeRefusal.NotFilled, TopologyRules.Apply(again, wish));
        Assert.Contains(target[0], Commit(again, again.Members).Shards[^1].Members);
    }

    [Fact]
    public void Somebody_who_is_nobody_is_not_filled()
    {
        // Recovery gives up whom it does not name.
        var recovered = TopologyRules.Recover(Seven, [.. Seven.Members.Except([Seven.Members[0]])]);
        var begun = Begin(recovered, 2);
        var wish = new TopologyChange.CommitReshard(new(703), begun.Transition!.Id, [.. begun.Members.Select(node => new TopologyMember(node, begun.IncarnationAt(node)))]);
        Assert.Contains(Seven.Members[0], Next(begun, wish).Find(new(0))!.Joining);
    }

    [Fact]
    public void A_cancelled_reshard_leaves_everything_as_it_was()
    {
        var id = Resharding.Transition!.Id;
        var after = Next(Resharding, new TopologyChange.CancelReshard(new(704), id));
        Assert.Null(after.Transition);
        Assert.Equal(Seven.Shards, after.Shards);
        Assert.Equal(Seven.Layouts, after.Layouts);
        Assert.Equal(new(id, Committed: false), after.LastReshard);
        Assert.NotNull(Begin(after, 3).Transition);
    }

    [Fact]
    public void What_has_ended_ends_no_second_time_and_not_in_another_way()
    {
        var id = Resharding.Transition!.Id;
        var (committed, cancelled) = (Commit(Resharding, Resharding.Members), Next(Resharding, new TopologyChange.CancelReshard(new(704), id)));
        Assert.IsType<ChangeResult.AlreadySo>(Wish(committed, wish => new TopologyChange.CommitReshard(wish, id, [])));
        Assert.IsType<ChangeResult.AlreadySo>(Wish(cancelled, wish => new TopologyChange.CancelReshard(wish, id)));
        Refused(ChangeRefusal.NoSuchReshard, Wish(committed, wish => new TopologyChange.CancelReshard(wish, id)));
        Refused(ChangeRefusal.NoSuchReshard, Wish(cancelled, wish => new TopologyChange.CommitReshard(wish, id, [])));
        Refused(ChangeRefusal.NoSuchReshard, Wish(Seven, wish => new TopologyChange.CommitReshard(wish, id, [])));
        Refused(ChangeRefusal.NoSuchReshard, Wish(Seven, wish => new TopologyChange.CancelReshard(wish, id)));
        Refused(ChangeRefusal.NoSuchReshard, Wish(Resharding, wish => new TopologyChange.CommitReshard(wish, new(999_999), [])));
        Refused(ChangeRefusal.NoSuchReshard, Wish(Resharding, wish => new TopologyChange.CancelReshard(wish, new(999_999))));
    }

    [Fact]
    public void While_it_runs_nobody_changes_shard_and_what_is_so_stays_so()
    {
        var joining = Next(Seven, new TopologyChange.AddReplica(new(705), new(1), Seven.Members[6]));
        var begun = Begin(Admitted(joining, 7), 3);
        var (member, joiner, spare) = (begun.Members[0], begun.Members[6], begun.Members[7]);
        Refused(ChangeRefusal.ReshardRunning, Wish(begun, id => new TopologyChange.Leave(id, member)));
        Refused(ChangeRefusal.ReshardRunning, Wish(begun, id => new TopologyChange.Remove(id, member)));
        Refused(ChangeRefusal.ReshardRunning, Wish(begun, id => new TopologyChange.AddReplica(id, new(1), spare)));
        Refused(ChangeRefusal.ReshardRunning, Wish(begun, id => new TopologyChange.Promote(id, new(1), new(joiner, begun.IncarnationAt(joiner)))));
        Assert.IsType<ChangeResult.AlreadySo>(Wish(begun, id => new TopologyChange.Leave(id, spare)));
        Assert.IsType<ChangeResult.AlreadySo>(Wish(begun, id => new TopologyChange.AddReplica(id, new(1), joiner)));
        Assert.IsType<ChangeResult.AlreadySo>(Wish(begun, id => new TopologyChange.Promote(id, new(0), new(member, begun.IncarnationAt(member)))));
        Refused(ChangeRefusal.NotMember, Wish(begun, id => new TopologyChange.Remove(id, NodeAddress.Parse("elsewhere:1"))));
    }

    [Fact]
    public void While_it_runs_nodes_are_admitted()
    {
        var next = Admitted(Resharding, 8);
        Assert.True(next.Includes(next.Members[^1]));
        Assert.Same(Resharding.Transition, next.Transition);
        var back = Next(Resharding, new TopologyChange.Admit(new(706), new(Resharding.Members[0], new(1000))));
        Assert.Same(Resharding.Transition, back.Transition);
        Assert.Contains(Resharding.Members[0], back.Find(new(0))!.Joining);
    }

    [Fact]
    public void A_forced_recovery_gives_it_up()
    {
        var recovered = TopologyRules.Recover(Resharding, [Resharding.Members[0], Resharding.Members[1]]);
        Assert.Null(recovered.Transition);
        Assert.Equal(new(Resharding.Transition!.Id, Committed: false), recovered.LastReshard);
        // Those who are given up may have decided on layouts that nobody here has heard of: their numbers are not used again.
        Assert.Equal(Seven.Layouts, recovered.Layouts.Where(count => count > 0));
        Assert.Equal(Seven.Layouts, recovered.Layouts[..Seven.Layouts.Length]);
        Assert.True(recovered.Layouts.Length > Resharding.Transition.Layout + 1);
        var committed = Commit(Resharding, Resharding.Members);
        Assert.Equal(committed.LastReshard, TopologyRules.Recover(committed, [committed.Members[0]]).LastReshard);
    }

    [Fact]
    public void Every_change_after_it_remembers_the_layouts_and_how_the_last_one_ended()
    {
        var committed = Commit(Resharding, Resharding.Members);
        var next = Next(committed, new TopologyChange.Leave(new(707), committed.Members[0]));
        Assert.Equal(committed.Layouts, next.Layouts);
        Assert.Equal(committed.LastReshard, next.LastReshard);
        Assert.Equal([2, 3, 1], Commit(Begin(next, 1), next.Members).Layouts);
    }

    internal static ClusterTopology Begin(ClusterTopology parent, int shardCount, ImmutableArray<NodeAddress>? live = null) =>
        Next(parent, new TopologyChange.BeginReshard(Operation(), shardCount, live ?? parent.Members));

    internal static ClusterTopology Commit(ClusterTopology parent, ImmutableArray<NodeAddress> filled) => Next(parent, CommitOf(Operation(), parent, filled));

    private static TopologyChange.CommitReshard CommitOf(OperationId id, ClusterTopology parent, ImmutableArray<NodeAddress> filled) =>
        new(id, parent.Transition!.Id, [.. filled.Select(node => new TopologyMember(node, parent.IncarnationAt(node)))]);

    private static ClusterTopology Admitted(ClusterTopology parent, int node) => Next(parent, new TopologyChange.Admit(Operation(), new(Nodes[node], NameOf(Nodes[node]))));

    private static ChangeResult Wish(ClusterTopology parent, Func<OperationId, TopologyChange> change) => TopologyRules.Apply(parent, change(Operation()));
}
