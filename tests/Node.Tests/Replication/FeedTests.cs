using System.Collections.Immutable;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Migration;
using Kv.Common.Time;
using Kv.Common.Topology;
using Kv.Node.Replica;
using Kv.Node.Replication;
using Kv.Node.Storage;

namespace Kv.Node.Tests.Replication;

/// <summary>What node 1 sends to whom. It serves shard 0 with node 3; 2 and 4 serve shard 1, and 5 joins shard 0.</summary>
public sealed class FeedTests
{
    private static readonly NodeAddress[] Nodes = [.. Enumerable.Range(1, 6).Select(i => NodeAddress.Parse($"10.10.0.{i}:8080"))];
    private static readonly ReplicaGroup Zero = new(0, new(0));
    private static readonly NodeIdentity Self = new(new(1), Nodes[0], new(101));
    private static readonly Feed Own = new(new(Self.Incarnation, Zero), 0, null, null);
    private static readonly ImmutableArray<ShardMembers> Shards = [Shard(0, Nodes[0], Nodes[2]) with { Joining = [Nodes[4]] }, Shard(1, Nodes[1], Nodes[3])];
    private static readonly ClusterTopology Settled = Of([2], Shards);

    [Fact]
    public void Replicas_of_the_own_group_get_all_own_writes_and_nobody_else_gets_any()
    {
        Assert.Equal([Own], To(2, Settled));
        Assert.Equal([Own], To(4, Settled));
        Assert.Empty(To(1, Settled));
        Assert.Empty(To(5, Settled));
    }

    [Fact]
    public void A_node_without_a_place_or_whose_place_has_ended_sends_no_own_writes()
    {
        Assert.Empty(To(2, Settled, Snapshot(null)));
        Assert.Empty(To(2, Of([2, 1], [Shard(0, [.. Nodes[..4]])])));
    }

    [Fact]
    public void While_a_reshard_runs_those_who_are_to_own_some_of_the_groups_keys_get_those()
    {
        // Of three shards the third one takes of both; node 2 goes there, and 6, who was nowhere.
        var ring = HashRing.For(3);
        var running = Of([2], Shards, new(new(9), new(6), 1, ring, [Shard(0, Nodes[0], Nodes[2]), Shard(1, Nodes[3], Nodes[4]), Shard(2, Nodes[1]) with { Joining = [Nodes[5]] }]));
        Feed moving = Own with { Filter = (ring, new ShardId(2)) };
        Assert.Equal([Own], To(2, running));
        // As a replica of the group, whatever it is to be.
        Assert.Equal([Own], To(4, running));
        Assert.Equal([moving], To(1, running));
        Assert.Equal([moving], To(5, running));
        // The second shard gets nothing that was the first one's.
        Assert.Empty(To(3, running));
        foreach (var position in Enumerable.Range(0, 4096).Select(arc => (ulong)arc << 52)) Assert.Equal(ring.OwnerOf(position) == new ShardId(2), moving.Includes(position));
        Assert.True(Own.Includes(0));
    }

    [Fact]
    public void What_there_was_of_an_ended_group_goes_to_the_members_who_own_some_of_its_keys_now()
    {
        var (mine, theirs, older) = (new Origin(Self.Incarnation, Zero), new Origin(new(103), Zero), new Origin(new(103), new(7, new(0))));
        var former = new FormerPlace(Zero, VersionVector.Of(new Dot(theirs, 4)), VersionVector.Of(new Dot(mine, 9), new Dot(theirs, 6), new Dot(older, 2)));
        var now = Of([2, 3], [Shard(0, Nodes[0], Nodes[2]), Shard(1, Nodes[3], Nodes[4]), Shard(2, Nodes[1]) with { Joining = [Nodes[5]] }]);
        var snapshot = Snapshot(new(1, new(0)), former);
        (HashRing, ShardId) filter = (now.Ring, new(2));
        // All origins of that group, and of no other one: those were told of when they ended.
        Assert.Equal([new(mine, 0, 9, filter), new(theirs, 4, 6, filter)], To(1, now, snapshot));
        // One that joins gets it from the members.
        Assert.Empty(To(5, now, snapshot));
        Assert.Empty(To(3, now, snapshot));
        // Beside what is written now.
        Assert.Equal([mine with { Group = new(1, new(0)) }, mine, theirs], To(2, now, snapshot).Select(feed => feed.Origin));
        // Also by one who has no place any more.
        Assert.Equal(2, To(1, now, Snapshot(null, former)).Count);
    }

    private static IReadOnlyList<Feed> To(int node, ClusterTopology topology, ReplicaSnapshot? snapshot = null) => Feed.To(Nodes[node], Self, topology, snapshot ?? Snapshot(Zero));

    private static ReplicaSnapshot Snapshot(ReplicaGroup? place, params ImmutableArray<FormerPlace> former) =>
        new(ReplicaCheckpoint.Empty with { Place = place, Former = former }, new(5), HybridTimestamp.Zero);

    private static ClusterTopology Of(ImmutableArray<int> layouts, IEnumerable<ShardMembers> shards, Transition? transition = null) =>
        new(new(1), new(6), Nodes.Select((node, i) => new TopologyMember(node, new((ulong)i + 101))), shards, layouts) { Transition = transition };

    private static ShardMembers Shard(int id, params ImmutableArray<NodeAddress> members) => new(new(id), members);
}
