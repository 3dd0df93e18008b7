using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Time;
using Kv.Common.Topology;
using Kv.Node.Replica;
using Kv.Node.Signals;
using Kv.Node.Storage.InMemory;
using Kv.Node.Telemetry;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kv.Node.Tests.Replica;

/// <summary>What may be dropped from tokens, as one node judges it of a shard that it does not serve: shard 1 of Ben and Dora, seen by Anna.</summary>
public sealed class StabilityTests : IDisposable
{
    private static readonly NodeAddress[] Nodes = [.. Enumerable.Range(2, 5).Select(i => NodeAddress.Parse($"10.10.0.{i}:8080"))];
    private static readonly NodeAddress Anna = Nodes[0];
    private static readonly NodeAddress Ben = Nodes[1];
    private static readonly NodeAddress Dora = Nodes[3];
    private static readonly NodeAddress Eve = Nodes[4];
    private static readonly ShardId Theirs = new(1);
    private static readonly Dot Written = new(new(new(102), new(0, Theirs)), 7);
    private static readonly VersionVector Held = VersionVector.Of([Written]);

    private readonly KvMetrics _metrics = new();
    private readonly ClusterTopology _topology = Admit(
        TopologyRules.Seal(Genesis.Provisional(Nodes[..4], 2), Nodes[..4].ToDictionary(node => node, NameOf), new(1)), Eve, new(2));

    public void Dispose() => _metrics.Dispose();

    [Fact]
    public void What_every_member_holds_is_stable() => Assert.Equal(Held, StableBy(_topology, Peer(Ben), Peer(Dora)));

    [Fact]
    public void What_one_member_lacks_or_nobody_has_heard_of_is_not()
    {
        Assert.Empty(StableBy(_topology, Peer(Ben), Peer(Dora, vector: VersionVector.Empty)));
        Assert.Empty(StableBy(_topology, Peer(Ben)));
    }

    [Fact]
    public void A_replica_that_joins_must_hold_it_too()
    {
        var joining = Next(_topology, new TopologyChange.AddReplica(new(3), Theirs, Eve));
        Assert.Empty(StableBy(joining, Peer(Ben), Peer(Dora), Peer(Eve, vector: VersionVector.Empty)));
        Assert.Equal(Held, StableBy(joining, Peer(Ben), Peer(Dora), Peer(Eve)));
    }

    [Fact]
    public void The_word_of_a_replica_that_acts_on_a_newer_topology_counts_for_nothing() =>
        Assert.Empty(StableBy(_topology, Peer(Ben), Peer(Dora, epoch: _topology.Epoch.Next)));

    [Fact]
    public void What_a_lost_incarnation_held_does_not_count_for_the_one_in_its_place()
    {
        // Admitted again at once, though it has not been heard yet: what is known of the address is of the one before.
        var refilled = Next(Next(Admit(_topology, Dora, new(4), new(999)), new TopologyChange.Promote(new(5), Theirs, new(Dora, new(999)))), new TopologyChange.AddReplica(new(6), new(0), Eve));
        Assert.Empty(StableBy(refilled, Peer(Ben), Peer(Dora)));
        Assert.Equal(Held, StableBy(refilled, Peer(Ben), Peer(Dora, incarnation: new(999))));
    }

    [Fact]
    public void What_a_replica_of_another_group_holds_says_nothing_of_this_one() =>
        Assert.Empty(StableBy(_topology, Peer(Ben), Peer(Dora, place: new(0, new(0)))));

    [Fact]
    public void While_a_reshard_is_under_way_nothing_is_stable()
    {
        var begun = Next(_topology, new TopologyChange.BeginReshard(new(7), 1, _topology.Members));
        Assert.NotNull(begun.Transition);
        Assert.Empty(StableBy(begun, Peer(Ben), Peer(Dora)));
    }

    [Fact]
    public void After_a_reshard_a_write_is_stable_once_it_is_held_in_every_shard_that_its_group_concerns()
    {
        // All of the first shard's ring, and of the second one's, may have gone to either of three.
        var three = new ClusterTopology(
            _topology.Cluster, _topology.Epoch, Nodes.Select(node => new TopologyMember(node, NameOf(node))), [new(new(0), [Ben]), new(new(1), [Nodes[2]]), new(new(2), [Dora])], [2, 3]);
        Assert.False(three.Concerns(new(0, Theirs), new(1, new(0))));
        PeerView Of(NodeAddress node, int shard, ulong held) => Peer(node, VersionVector.Of(Written with { Sequence = held }), place: new(1, new(shard)));
        Assert.Equal(VersionVector.Of(Written with { Sequence = 4 }), StableBy(three, Of(Ben, 0, 1), Of(Nodes[2], 1, 4), Of(Dora, 2, 6)));
        Assert.Empty(StableBy(three, Of(Ben, 0, 1), Of(Nodes[2], 1, 4)));
    }

    [Fact]
    public void A_pruned_token_carries_the_epoch_it_was_judged_by()
    {
        var token = new CausalToken(Epoch.First, HybridTimestamp.At(1), Held);
        var pruned = Judge(_topology, Peer(Ben), Peer(Dora)).Prune(token);
        Assert.Empty(pruned.Dependencies);
        Assert.Equal(_topology.Epoch, pruned.Epoch);
        Assert.Equal(token.Stamp, pruned.Stamp);
    }

    private VersionVector StableBy(ClusterTopology topology, params IEnumerable<PeerView> peers) => Judge(topology, peers).Stable.Vector;

    private Stability Judge(ClusterTopology topology, params IEnumerable<PeerView> peers)
    {
        var self = new NodeIdentity(topology.Cluster, Anna, NameOf(Anna));
        var published = new Published<ClusterTopology>(topology);
        var tokens = new CausalTokenCodec("secret"u8, topology.Cluster);
        var replica = new ReplicaState(self, published, new InMemoryStorage(new()), tokens, TimeProvider.System, new(), _metrics, NullLogger<ReplicaState>.Instance);
        return new(self, published, new Published<MembershipView>(new(Anna, peers)), replica, tokens);
    }

    private PeerView Peer(NodeAddress address, VersionVector? vector = null, Epoch? epoch = null, Incarnation? incarnation = null, ReplicaGroup? place = null) => new(
        address, PeerState.Alive, true, incarnation ?? NameOf(address), epoch ?? _topology.Epoch, 0, vector ?? Held, place ?? new(0, Theirs), null, false, 1, true, true, TimeSpan.Zero, 0, TimeSpan.Zero);

    private static ClusterTopology Admit(ClusterTopology parent, NodeAddress node, OperationId id, Incarnation? incarnation = null) =>
        Next(parent, new TopologyChange.Admit(id, new(node, incarnation ?? NameOf(node))));

    private static ClusterTopology Next(ClusterTopology parent, TopologyChange change) => Assert.IsType<ChangeResult.Next>(TopologyRules.Apply(parent, change)).Topology;

    private static Incarnation NameOf(NodeAddress address) => new((ulong)Array.IndexOf(Nodes, address) + 101);
}
