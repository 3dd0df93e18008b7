using System.Collections.Immutable;
using Kv.Common.Identity;
using Kv.Common.Topology;

namespace Kv.Common.Tests.Topology;

public sealed class LayoutTests
{
    private static readonly NodeAddress[] Nodes = [.. Enumerable.Range(1, 10).Select(i => NodeAddress.Parse($"10.0.0.{i}:8080"))];

    // The fifth layout is the one that the reshard leads to.
    private static readonly ImmutableArray<int> Layouts = [2, 3, 2, 1, 4];
    private static readonly ClusterTopology Topology = Of(Layouts, new Transition(new(9), new(7), 5, HashRing.For(5), Dealt(5)));

    [Fact]
    public void A_group_concerns_an_owner_if_and_only_if_some_position_was_its_and_is_the_owners()
    {
        var positions = Enumerable.Range(0, 1 << 14).Select(i => (ulong)i << 50).Concat(Enumerable.Range(0, 1000).Select(i => new Key($"key{i}").Position)).ToList();
        foreach (var then in Enumerable.Range(0, 6))
        {
            foreach (var now in Enumerable.Range(0, 6))
            {
                var (before, after) = (Topology.RingOf(then), Topology.RingOf(now));
                var shared = positions.Select(position => (new ReplicaGroup(then, before.OwnerOf(position)), new ReplicaGroup(now, after.OwnerOf(position)))).ToHashSet();
                foreach (var group in before.Shards.Select(shard => new ReplicaGroup(then, shard)))
                {
                    Assert.All(after.Shards.Select(shard => new ReplicaGroup(now, shard)), owner => Assert.Equal(shared.Contains((group, owner)), Topology.Concerns(group, owner)));
                }
            }
        }
    }

    [Fact]
    public void Of_one_layout_every_group_concerns_itself_alone() => Gen.Select(Gen.Int[0, 3], Gen.Int[0, 3]).Sample(
        (one, other) => Assert.Equal(one == other, Topology.Concerns(Topology.GroupOf(new(one)), Topology.GroupOf(new(other)))), iter: 30);

    [Fact]
    public void What_is_not_known_concerns_nobody()
    {
        var settled = Of(Layouts);
        Assert.True(Topology.Concerns(new(4, new(0)), new(5, new(0))));
        Assert.False(settled.Concerns(new(4, new(0)), new(5, new(0))));
        Assert.False(settled.Concerns(new(5, new(0)), new(4, new(0))));
        Assert.False(Topology.Concerns(new(6, new(0)), new(6, new(0))));
        // Layout 3 had one shard only.
        Assert.False(Topology.Concerns(new(3, new(1)), new(4, new(0))));
    }

    [Fact]
    public void Asked_again_what_concerns_whom_it_allocates_nothing()
    {
        int Ask() => Enumerable.Range(0, 6).Count(layout => Topology.Concerns(new(layout, new(0)), new(4, new(1))));
        var expected = Ask();
        var before = GC.GetAllocatedBytesForCurrentThread();
        var concerned = 0;
        for (var layout = 0; layout < 6; layout++) concerned += Topology.Concerns(new(layout, new(0)), new(4, new(1))) ? 1 : 0;
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(expected, concerned);
    }

    [Fact]
    public void The_last_layout_is_in_force_and_the_one_after_it_is_known_while_a_reshard_leads_to_it()
    {
        Assert.Equal(4, Topology.Layout);
        Assert.Equal(4, Topology.Ring.ShardCount);
        Assert.Equal("4.3", Topology.GroupOf(new(3)).ToString());
        Assert.Equal([2, 3, 2, 1, 4, 5], Enumerable.Range(0, 6).Select(layout => Topology.RingOf(layout).ShardCount));
        Assert.Throws<ArgumentOutOfRangeException>(() => Of(Layouts).RingOf(5));
        Assert.Throws<ArgumentOutOfRangeException>(() => Topology.RingOf(6));
        Assert.Throws<ArgumentOutOfRangeException>(() => Topology.RingOf(-1));
        Assert.Equal(new(4, new(9)), Topology.Scope);
        Assert.Equal(new(4, default), Of(Layouts).Scope);
    }

    [Fact]
    public void A_transition_says_who_is_to_own_what()
    {
        var transition = Topology.Transition!;
        Assert.Equal("5.4", transition.GroupOf(new(4)).ToString());
        Assert.Equal(new(1), transition.ReplicatedBy(Nodes[6])?.Id);
        Assert.Null(transition.ReplicatedBy(NodeAddress.Parse("elsewhere:1")));
        Assert.Null(transition.Find(new(5)));
        Gen.Int[0, 1000].Sample(i => Assert.Same(transition.Find(transition.Ring.OwnerOf(new Key($"key{i}").Position)), transition.ShardOf(new Key($"key{i}"))), iter: 50);
    }

    [Fact]
    public void A_transition_that_contradicts_itself_or_its_topology_is_refused()
    {
        Transition To(int layout, params ShardMembers[] shards) => new(new(9), new(7), layout, HashRing.For(2), shards);
        ShardMembers[] sound = [.. Dealt(2)];
        Assert.Equal(sound, Of(Layouts, To(5, sound[1], sound[0])).Transition!.Shards);
        Assert.Throws<ArgumentException>(() => new Transition(default, new(7), 5, HashRing.For(2), sound));
        Assert.Throws<ArgumentException>(() => To(5, sound[0]));
        Assert.Throws<ArgumentException>(() => To(5, sound[0], sound[1] with { Members = [] }));
        Assert.Throws<ArgumentException>(() => To(5, sound[0], sound[1] with { Joining = [Nodes[0]] }));
        Assert.Throws<ArgumentException>(() => To(5, sound[0].Without(Nodes[0]) with { Leaving = [Nodes[0]] }, sound[1]));
        Assert.Throws<ArgumentException>(() => Of(Layouts, To(4, sound)));
        Assert.Throws<ArgumentException>(() => Of(Layouts, To(6, sound)));
        Assert.Throws<ArgumentException>(() => Of(Layouts, To(5, sound[0], sound[1] with { Joining = [NodeAddress.Parse("elsewhere:1")] })));
    }

    [Fact]
    public void There_is_at_least_one_layout_and_each_is_one_that_a_ring_can_have()
    {
        Assert.Throws<ArgumentException>(() => Of([]));
        Assert.Throws<ArgumentException>(() => Of([0, 2]));
        Assert.Throws<ArgumentException>(() => Of([4097, 2]));
    }

    private static ClusterTopology Of(ImmutableArray<int> layouts, Transition? transition = null) =>
        new(new(7), new(8), Nodes.Select((address, i) => new TopologyMember(address, new((ulong)i + 1))), Dealt(layouts.LastOrDefault()), layouts) { Transition = transition };

    private static IEnumerable<ShardMembers> Dealt(int shardCount) =>
        Enumerable.Range(0, shardCount).Select(id => new ShardMembers(new(id), [.. Nodes.Where((_, turn) => turn % shardCount == id)]));
}
