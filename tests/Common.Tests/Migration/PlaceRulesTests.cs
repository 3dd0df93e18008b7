using System.Collections.Immutable;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Migration;
using Kv.Common.Topology;

namespace Kv.Common.Tests.Migration;

public sealed class PlaceRulesTests
{
    private static readonly ClusterId Cluster = new(1);
    private static readonly NodeAddress[] Nodes = [.. Enumerable.Range(1, 8).Select(i => NodeAddress.Parse($"10.0.0.{i}:8080"))];

    // Nodes 1 to 6 serve two shards; 7 joins the first one, 8 is placed nowhere.
    private static readonly ClusterTopology Settled = Of([2], [new(new(0), [Nodes[0], Nodes[2], Nodes[4]]) { Joining = [Nodes[6]] }, new(new(1), [Nodes[1], Nodes[3], Nodes[5]])]);

    private static readonly ClusterTopology Resharding = Begin(Settled, 3);

    [Fact]
    public void A_node_is_assigned_to_the_group_that_it_serves_joins_or_leaves()
    {
        Assert.Equal(new(0, new(1)), PlaceRules.AssignedTo(Settled, Identity(1)));
        Assert.Equal(new(0, new(0)), PlaceRules.AssignedTo(Settled, Identity(6)));
        Assert.Null(PlaceRules.AssignedTo(Settled, Identity(7)));
        Assert.Equal(new(0, new(1)), PlaceRules.AssignedTo(Resharding, Identity(1)));
        var later = Of([2, 1], [new(new(0), [.. Nodes[..2]]) { Leaving = [Nodes[2]] }]);
        Assert.Equal(new(1, new(0)), PlaceRules.AssignedTo(later, Identity(2)));
        // Another one at that address is nobody.
        Assert.Null(PlaceRules.AssignedTo(Settled, Identity(1) with { Incarnation = new(999) }));
    }

    [Fact]
    public void Outside_a_reshard_only_who_joins_and_is_not_there_yet_is_filled()
    {
        Assert.Equal(new(0, new(0)), PlaceRules.FillTargetOf(Settled, Identity(6), null));
        Assert.Null(PlaceRules.FillTargetOf(Settled, Identity(6), new(0, new(0))));
        Assert.Null(PlaceRules.FillTargetOf(Settled, Identity(1), new(0, new(1))));
        Assert.Null(PlaceRules.FillTargetOf(Settled, Identity(7), null));
        Assert.Null(PlaceRules.FillTargetOf(Settled, Identity(6) with { Incarnation = new(999) }, null));
    }

    [Fact]
    public void While_a_reshard_runs_everybody_who_is_placed_is_filled_for_where_it_is_placed()
    {
        foreach (var shard in Resharding.Transition!.Shards)
        {
            foreach (var node in shard.Replicas)
            {
                var self = Identity(Array.IndexOf(Nodes, node));
                Assert.Equal(new(1, shard.Id), PlaceRules.FillTargetOf(Resharding, self, PlaceRules.AssignedTo(Resharding, self)));
            }
        }
    }

    [Fact]
    public void Who_joins_is_filled_by_the_group_that_it_joins()
    {
        var fill = PlaceRules.Begin(Settled, new(0, new(0)), null);
        Assert.Equal(new(0, new(0)), fill.Target);
        Assert.Equal(Settled.Epoch, fill.Since);
        Assert.False(fill.IsComplete);
        Assert.Equal([FillSource.Of(new(0, new(0)))], fill.Sources);
        Assert.True(PlaceRules.IsWanted(fill, Settled, Identity(6), null));
    }

    [Fact]
    public void For_a_reshard_every_group_gives_that_has_a_part_of_the_target_but_the_own_one()
    {
        var (zero, one) = (new ReplicaGroup(0, new(0)), new ReplicaGroup(0, new(1)));
        // The third shard takes of both; the others only lose.
        Assert.Equal([zero, one], Givers(new(1, new(2)), null));
        Assert.Equal([one], Givers(new(1, new(2)), zero));
        Assert.Empty(Givers(new(1, new(0)), zero));
        Assert.Equal([zero], Givers(new(1, new(0)), one));
        Assert.Equal(Resharding.Transition!.Begun, PlaceRules.Begin(Resharding, new(1, new(2)), null).Since);

        static IEnumerable<ReplicaGroup> Givers(ReplicaGroup target, ReplicaGroup? place) => PlaceRules.Begin(Resharding, target, place).Sources.Select(source => source.Group);
    }

    [Fact]
    public void A_fill_is_wanted_while_the_reshard_runs_for_which_it_began_and_not_in_the_next_one()
    {
        var shard = Resharding.Transition!.Shards[2];
        var self = Identity(Array.IndexOf(Nodes, shard.Members[0]));
        var place = PlaceRules.AssignedTo(Settled, self);
        var fill = PlaceRules.Begin(Resharding, Resharding.Transition.GroupOf(shard.Id), place);
        Assert.True(PlaceRules.IsWanted(fill, Resharding, self, place));
        Assert.True(PlaceRules.IsWanted(fill with { IsComplete = true }, Resharding, self, place));
        Assert.False(PlaceRules.IsWanted(fill, Settled, self, place));
        var again = Begin(Of([2], Settled.Shards, epoch: Resharding.Epoch.Next), 3);
        Assert.Equal(fill.Target, PlaceRules.FillTargetOf(again, self, place));
        Assert.False(PlaceRules.IsWanted(fill, again, self, place));
        Assert.False(PlaceRules.IsWanted(fill, Resharding, self with { Incarnation = new(999) }, place));
    }

    [Fact]
    public void What_was_filled_for_a_reshard_is_not_what_one_who_joins_after_it_is_filled_for()
    {
        // Node 8 had begun when the reshard was committed without it.
        var self = Identity(7);
        var target = Resharding.Transition!.GroupOf(Resharding.Transition.ReplicatedBy(Nodes[7])!.Id);
        var fill = PlaceRules.Begin(Resharding, target, null);
        var shards = Resharding.Transition.Shards.Select(shard => shard.Id == target.Shard ? shard.Without(Nodes[7]) with { Joining = [Nodes[7]] } : shard);
        var committed = Of([2, 3], shards, epoch: Resharding.Epoch.Next);
        Assert.Equal(target, PlaceRules.FillTargetOf(committed, self, null));
        Assert.False(PlaceRules.IsWanted(fill, committed, self, null));
        Assert.True(PlaceRules.IsWanted(PlaceRules.Begin(committed, target, null), committed, self, null));
    }

    [Fact]
    public void Who_joins_when_a_reshard_begins_is_filled_for_that_and_anew_if_it_is_cancelled()
    {
        var self = Identity(6);
        var joining = PlaceRules.Begin(Settled, new(0, new(0)), null);
        Assert.False(PlaceRules.IsWanted(joining, Resharding, self, null));
        var target = PlaceRules.FillTargetOf(Resharding, self, null)!.Value;
        Assert.Equal(1, target.Layout);
        Assert.False(PlaceRules.IsWanted(PlaceRules.Begin(Resharding, target, null), Settled, self, null));
    }

    [Fact]
    public void What_is_held_after_a_move_is_the_most_that_can_be_said_of_every_arc() => Moves.Sample((topology, target, sources) =>
    {
        var combined = PlaceRules.Combine(topology, target, sources);
        var vectors = sources.ToDictionary(source => source.Group, source => source.Vector);
        // Of each arc of the target: whose it was in each layout.
        var ring = topology.RingOf(target.Layout);
        var arcs = Enumerable.Range(0, ring.ArcCount).Where(arc => ring.OwnerOfArc(arc) == target.Shard).ToList();
        var meetings = Enumerable.Range(0, topology.Layouts.Length)
            .SelectMany(layout => arcs.Select(arc => (Past: GroupAt(topology, layout, arc), Giver: GroupAt(topology, topology.Layout, arc))))
            .Distinct()
            .ToLookup(pair => pair.Past, pair => pair.Giver);
        foreach (var origin in sources.SelectMany(source => source.Vector.Select(dot => dot.Origin)).Distinct())
        {
            var givers = meetings[origin.Group].ToList();
            Assert.Equal(givers.Count == 0 ? 0 : givers.Min(giver => vectors[giver][origin]), combined[origin]);
        }

        Assert.All(combined, dot => Assert.Contains(sources, source => source.Vector[dot.Origin] > 0));
    }, iter: 300);

    [Fact]
    public void Who_joins_holds_what_its_source_holds_of_the_groups_that_concern_it() => Moves.Sample((topology, _, sources) =>
    {
        var (group, vector) = sources[0];
        Assert.Equal(vector.OfGroups(past => topology.Concerns(past, group)), PlaceRules.Combine(topology, group, [(group, vector)]));
    }, iter: 100);

    // A reshard in a cluster that has seen others, the groups that give to one of the shards to be, and what each of them holds.
    private static readonly Gen<(ClusterTopology Topology, ReplicaGroup Target, List<(ReplicaGroup Group, VersionVector Vector)> Sources)> Moves =
        Gen.Select(Gen.Int[1, 4].Array[1, 3], Gen.Int[1, 4], Gen.Int[0, 3], Gen.Int).Select((layouts, next, chosen, seed) =>
        {
            var topology = Begin(Of([.. layouts], HashRing.For(layouts[^1]).Shards.Select(id => new ShardMembers(id, [Nodes[id.Value]]))), next, Nodes[4..]);
            var target = new ReplicaGroup(layouts.Length, new(chosen % next));
            var random = new Random(seed);
            Origin AnyOrigin() => random.Next(layouts.Length) is var layout ? new(new((ulong)random.Next(1, 3)), new(layout, new(random.Next(layouts[layout])))) : default;
            VersionVector AnyVector() => VersionVector.Of(Enumerable.Range(0, 8).Select(_ => new Dot(AnyOrigin(), (ulong)random.Next(1, 6))));
            var sources = topology.Shards.Select(shard => topology.GroupOf(shard.Id)).Where(group => topology.Concerns(group, target)).Select(group => (group, AnyVector()));
            return (topology, target, sources.ToList());
        });

    private static ReplicaGroup GroupAt(ClusterTopology topology, int layout, int arc) => new(layout, topology.RingOf(layout).OwnerOfArc(arc));

    private static ClusterTopology Of(ImmutableArray<int> layouts, IEnumerable<ShardMembers> shards, Transition? transition = null, Epoch? epoch = null) =>
        new(Cluster, epoch ?? new(5), Nodes.Select((node, i) => new TopologyMember(node, Identity(i).Incarnation)), shards, layouts) { Transition = transition };

    private static ClusterTopology Begin(ClusterTopology parent, int shardCount, IReadOnlyList<NodeAddress>? nodes = null)
    {
        nodes ??= Nodes;
        var ring = HashRing.For(shardCount);
        var shards = ring.Shards.Select(id => new ShardMembers(id, [.. nodes.Where((_, turn) => turn % shardCount == id.Value)]));
        return Of(parent.Layouts, parent.Shards, new(new(9), parent.Epoch.Next, parent.Layouts.Length, ring, shards), parent.Epoch.Next);
    }

    private static NodeIdentity Identity(int node) => new(Cluster, Nodes[node], new((ulong)node + 101));
}
