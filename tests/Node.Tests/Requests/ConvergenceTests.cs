using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Time;
using Kv.Common.Topology;
using Kv.Node.Replica;
using Kv.Node.Requests;
using Kv.Node.Signals;
using Kv.Node.Storage.InMemory;
using Kv.Node.Telemetry;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kv.Node.Tests.Requests;

/// <summary>Whether the replicas of shard 1, Ben, Dora and Eve, are equal, as Anna sees it, who serves another shard.</summary>
public sealed class ConvergenceTests : IDisposable
{
    private static readonly NodeAddress[] Nodes = [.. Enumerable.Range(2, 5).Select(i => NodeAddress.Parse($"10.10.0.{i}:8080"))];
    private static readonly (NodeAddress Anna, NodeAddress Ben, NodeAddress Dora, NodeAddress Eve) Names = (Nodes[0], Nodes[1], Nodes[3], Nodes[4]);
    private static readonly ReplicaGroup Theirs = new(0, new(1));
    private static readonly Origin Ours = new(new(102), Theirs);

    private readonly KvMetrics _metrics = new();
    private readonly ClusterTopology _topology = new(
        new(1), new(5), Nodes.Select(node => new TopologyMember(node, NameOf(node))), [new(new(0), [Names.Anna]), new(new(1), [Names.Ben, Names.Dora, Names.Eve])], [2]);

    public void Dispose() => _metrics.Dispose();

    [Fact]
    public void Those_that_hold_the_same_writes_and_come_to_the_same_are_equal_whatever_tombstones_they_remember()
    {
        var shard = Judge(Peer(Names.Ben, 7), Peer(Names.Dora, 7) with { Replica = ReplicaReport.None with { LiveDigest = 5, Tombstones = 3 } }, Peer(Names.Eve, 7));
        Assert.True(shard.IsConverged);
        Assert.Equal([0L, 3, 0], shard.Replicas.Select(replica => replica.Tombstones));
    }

    [Fact]
    public void One_that_lacks_writes_is_behind_by_as_many()
    {
        var shard = Judge(Peer(Names.Ben, 7), Peer(Names.Dora, 3, digest: 99), Peer(Names.Eve, 7));
        Assert.False(shard.IsConverged);
        Assert.Equal([ReplicaEquality.Equal, ReplicaEquality.Behind, ReplicaEquality.Equal], shard.Replicas.Select(replica => replica.State));
        Assert.Equal([0UL, 4, 0], shard.Replicas.Select(replica => replica.Lacks));
    }

    [Fact]
    public void One_that_holds_the_same_writes_and_comes_to_something_else_is_different()
    {
        var shard = Judge(Peer(Names.Ben, 7, digest: 6), Peer(Names.Dora, 7), Peer(Names.Eve, 7));
        Assert.Equal([ReplicaEquality.Different, ReplicaEquality.Equal, ReplicaEquality.Equal], shard.Replicas.Select(replica => replica.State));
        // Of two that disagree with each other one is named: they are not equal.
        Assert.False(Judge(Peer(Names.Ben, 7, digest: 6), Peer(Names.Dora, 7), Peer(Names.Eve, 6)).IsConverged);
    }

    [Fact]
    public void What_a_dead_one_was_last_heard_to_hold_is_lacked_by_the_others()
    {
        var shard = Judge(Peer(Names.Ben, 7), Peer(Names.Dora, 9) with { State = PeerState.Dead }, Peer(Names.Eve, 7));
        Assert.Equal([ReplicaEquality.Behind, ReplicaEquality.Unreachable, ReplicaEquality.Behind], shard.Replicas.Select(replica => replica.State));
        Assert.Equal([2UL, 0, 2], shard.Replicas.Select(replica => replica.Lacks));
    }

    [Fact]
    public void One_that_was_never_heard_or_is_of_another_group_or_is_being_refilled_is_not_equal()
    {
        var shard = Judge(
            Peer(Names.Dora, 7) with { Place = null }, Peer(Names.Eve, 7) with { Filling = new(Theirs, new(5), false, 0, 64, 0, 0) });
        Assert.Equal([ReplicaEquality.Unreachable, ReplicaEquality.Joining, ReplicaEquality.Refilling], shard.Replicas.Select(replica => replica.State));
    }

    private ShardConvergence Judge(params PeerView[] peers)
    {
        var self = new NodeIdentity(_topology.Cluster, Names.Anna, NameOf(Names.Anna));
        var published = new Published<ClusterTopology>(_topology);
        var replica = new ReplicaState(self, published, new InMemoryStorage(new()), new("secret"u8, _topology.Cluster), TimeProvider.System, new(), _metrics, NullLogger<ReplicaState>.Instance);
        return new Convergence(self, published, new Published<MembershipView>(new(Names.Anna, peers)), replica).Report().Shards[1];
    }

    private static PeerView Peer(NodeAddress address, ulong held, ulong digest = 5) =>
        new(address, PeerState.Alive, true, NameOf(address), new(5), 0, VersionVector.Of(new Dot(Ours, held)), Theirs, null, false, 1, true, true, TimeSpan.Zero, 0, TimeSpan.Zero)
        {
            Replica = new(new(5), digest, 0, HybridTimestamp.Zero, 0),
        };

    private static Incarnation NameOf(NodeAddress address) => new((ulong)Array.IndexOf(Nodes, address) + 101);
}
