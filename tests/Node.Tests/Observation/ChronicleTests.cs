using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Migration;
using Kv.Node.Observation;
using Kv.Node.Requests;

namespace Kv.Node.Tests.Observation;

/// <summary>What is told of two looks at three nodes.</summary>
public sealed class ChronicleTests
{
    private static readonly NodeAddress[] Nodes = [.. Enumerable.Range(2, 3).Select(i => NodeAddress.Parse($"10.10.0.{i}:8080"))];
    private static readonly DateTimeOffset Begin = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly Chronicle _chronicle = new(TimeSpan.FromSeconds(3));

    [Fact]
    public void The_first_look_tells_only_that_one_began_to_watch() => Assert.Equal(["watch-begun"], Kinds(_chronicle.Take(Look(0))));

    [Fact]
    public void Two_equal_looks_tell_nothing()
    {
        _chronicle.Take(Look(0));
        Assert.Empty(_chronicle.Take(Look(1)));
    }

    [Fact]
    public void A_node_that_falls_silent_is_suspected_then_dead_then_back()
    {
        _chronicle.Take(Look(0));
        var suspected = _chronicle.Take(Look(1, NodeCondition.Suspected));
        Assert.Equal(["node-suspected"], Kinds(suspected));
        Assert.Equal(Nodes[2].ToString(), suspected[0].Node);
        Assert.Equal(["node-dead"], Kinds(_chronicle.Take(Look(2, NodeCondition.Dead))));
        Assert.Empty(_chronicle.Take(Look(3, NodeCondition.Dead)));
        Assert.Equal(["node-back"], Kinds(_chronicle.Take(Look(4))));
    }

    [Fact]
    public void One_that_was_never_heard_joins_and_one_that_joins_a_shard_serves_it_in_the_end()
    {
        _chronicle.Take(Look(0, NodeCondition.Unknown));
        Assert.Equal(["node-joined"], Kinds(_chronicle.Take(Look(1, NodeCondition.Joining))));
        var serves = _chronicle.Take(Look(2));
        Assert.Equal($"{Nodes[2]} serves its shard", Assert.Single(serves).Text);
    }

    [Fact]
    public void Another_incarnation_at_the_address_is_a_replacement_and_one_that_is_gone_has_left()
    {
        _chronicle.Take(Look(0));
        Assert.Equal(["node-replaced"], Kinds(_chronicle.Take(With(Look(1), 2, node => node with { Incarnation = new(77) }))));
        Assert.Equal(["node-left"], Kinds(_chronicle.Take(Look(2) with { Nodes = Look(2).Nodes[..2] })));
    }

    [Fact]
    public void One_that_is_no_member_any_more_has_left_and_is_not_told_twice()
    {
        _chronicle.Take(Look(0));
        var removed = With(Look(1), 2, node => node with { IsMember = false });
        Assert.Equal(["node-left"], Kinds(_chronicle.Take(removed)));
        Assert.Empty(_chronicle.Take(removed));
        Assert.Empty(_chronicle.Take(Look(2) with { Nodes = Look(2).Nodes[..2] }));
    }

    [Fact]
    public void A_reshard_begins_commits_and_ends_each_told_once()
    {
        _chronicle.Take(Look(0));
        var transition = new Transition(new(5), new(3), 1, HashRing.For(1), [new(new(0), [.. Nodes])]);
        var running = new ReshardReport(transition, false, [Nodes[0]], 0, 0, 0, 0, TimeSpan.Zero);
        Assert.Equal(["epoch-committed", "reshard-begun"], Kinds(_chronicle.Take(Look(1, epoch: 3) with { Reshard = running })));
        Assert.Empty(_chronicle.Take(Look(2, epoch: 3) with { Reshard = running with { PartsDone = 7, PartsTotal = 9 } }));
        Assert.Equal(["reshard-committing"], Kinds(_chronicle.Take(Look(3, epoch: 3) with { Reshard = running with { IsReady = true } })));
        Assert.Equal(["epoch-committed", "reshard-committed"], Kinds(_chronicle.Take(Look(4, epoch: 4, ended: new(new(5), true)))));
        Assert.Equal(["epoch-committed", "reshard-cancelled"], Kinds(_chronicle.Take(Look(5, epoch: 5, ended: new(new(6), false)))));
    }

    [Fact]
    public void Replicas_that_differ_for_a_moment_are_not_told_of_and_those_that_go_on_are_once()
    {
        _chronicle.Take(Look(0));
        Assert.Empty(_chronicle.Take(Look(1, differs: true)));
        Assert.Empty(_chronicle.Take(Look(3)));
        Assert.Empty(_chronicle.Take(Look(4, differs: true)));
        Assert.Empty(_chronicle.Take(Look(6, differs: true)));
        Assert.Equal(["convergence-lost"], Kinds(_chronicle.Take(Look(7, differs: true))));
        Assert.Empty(_chronicle.Take(Look(20, differs: true)));
        Assert.Equal(["convergence-regained"], Kinds(_chronicle.Take(Look(21))));
        Assert.Empty(_chronicle.Take(Look(22)));
    }

    private static IEnumerable<string> Kinds(IEnumerable<Happening> happenings) => happenings.Select(happening => happening.Kind);

    private static StatusReport With(StatusReport report, int index, Func<NodeStatus, NodeStatus> change) => report with { Nodes = report.Nodes.SetItem(index, change(report.Nodes[index])) };

    // The third node is in that condition; the others are well.
    private static StatusReport Look(int seconds, NodeCondition third = NodeCondition.Alive, ulong epoch = 2, ReshardEnd? ended = null, bool differs = false)
    {
        var topology = new ClusterTopology(new(1), new(epoch), Nodes.Select((node, i) => new TopologyMember(node, new((ulong)i + 1))), [new(new(0), [.. Nodes])], [1]) { LastReshard = ended };
        var nodes = Nodes.Select((node, i) => new NodeStatus(
            node, i == 2 && third is NodeCondition.Unknown ? default : new((ulong)i + 1), i == 2 ? third : NodeCondition.Alive, true, new(0), ReplicaRole.Member, new(epoch), 0, 0, null, null, null, 0, TimeSpan.Zero, null));
        var replica = new ReplicaConvergence(Nodes[1], differs ? ReplicaEquality.Behind : ReplicaEquality.Equal, 0, 0, 0, 0);
        return new(new(new(1), Nodes[0], new(1)), Begin.AddSeconds(seconds), topology, [.. nodes], new([new(new(0), [replica])]), null, null);
    }
}
