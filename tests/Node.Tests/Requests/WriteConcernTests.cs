using System.Collections.Immutable;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Migration;
using Kv.Common.Replication;
using Kv.Common.Time;
using Kv.Common.Topology;
using Kv.Node.Replica;
using Kv.Node.Requests;
using Kv.Node.Signals;
using Kv.Node.Tests.VirtualTime;

namespace Kv.Node.Tests.Requests;

/// <summary>Whose word counts for the writes of node 1 while a reshard is under way: it serves shard 0 with 2 and 3; shard 1, of 4 to 6, is to have some of its keys.</summary>
public sealed class WriteConcernTests : IDisposable
{
    private static readonly NodeAddress[] Nodes = [.. Enumerable.Range(1, 6).Select(i => NodeAddress.Parse($"10.10.0.{i}:8080"))];
    private static readonly Origin Own = new(new(101), new(0, new(0)));
    private static readonly ImmutableArray<ShardMembers> Before = [Shard(0, Nodes.AsSpan(0, 3))];
    private static readonly ImmutableArray<ShardMembers> After = [Shard(0, Nodes.AsSpan(0, 3)), Shard(1, Nodes.AsSpan(3))];
    private static readonly Transition Reshard = new(new(9), new(5), 1, HashRing.For(2), After);
    private static readonly ClusterTopology Running = Of([1], Before, Reshard);
    private static readonly Key Moving = KeyOf(1);
    private static readonly Key Staying = KeyOf(0);

    private readonly VirtualClock _clock = new();
    private readonly Published<ClusterTopology> _topology = new(Running);
    private readonly Published<MembershipView> _view = new(new(Nodes[0], Nodes[1..].Select(Alive)));
    private readonly CancellationTokenSource _stop = new();
    private readonly WriteConcern _concern;
    private readonly RequestOptions _options = new();

    public WriteConcernTests()
    {
        _concern = new(new(new(1), Nodes[0], Own.Incarnation), _topology, _view, _clock.Time, _options);
        _ = _clock.NewProcess().Start(() => _concern.RunAsync(_stop.Token));
    }

    private IDurabilityObserver Observer => _concern;

    public void Dispose() => _stop.Cancel();

    [Fact]
    public void A_write_to_a_moving_key_waits_for_a_majority_of_the_next_owners_that_are_filled_and_sent_it()
    {
        for (var node = 3; node < 6; node++) Acknowledge(node, 0);
        Acknowledge(1, 1);
        var write = Wait(Moving, 1);
        Assert.False(write.IsCompleted);
        Acknowledge(3, 1);
        Assert.False(write.IsCompleted);
        Acknowledge(5, 1);
        Assert.Equal((true, 2, 2), Result(write));
    }

    [Fact]
    public void Next_owners_are_not_enough_without_the_present_ones()
    {
        for (var node = 3; node < 6; node++) Acknowledge(node, 1);
        var write = Wait(Moving, 1);
        Assert.False(write.IsCompleted);
        Acknowledge(2, 1);
        Assert.Equal((true, 2, 2), Result(write));
    }

    [Fact]
    public void A_next_owner_that_is_not_sent_it_is_not_waited_for()
    {
        Acknowledge(1, 1);
        // None has opened its stream.
        Assert.True(Wait(Moving, 1).IsCompleted);
        Acknowledge(3, 0);
        var write = Wait(Moving, 1);
        Assert.False(write.IsCompleted);
        Observer.Lost(Nodes[3]);
        Assert.True(Result(write).Satisfied);
        // Nor one that is not reachable.
        Acknowledge(4, 0);
        write = Wait(Moving, 1);
        Assert.False(write.IsCompleted);
        _view.Publish(new(Nodes[0], Nodes[1..].Where(node => !node.Equals(Nodes[4])).Select(Alive)));
        _clock.Advance(TimeSpan.FromSeconds(0.1));
        Assert.True(Result(write).Satisfied);
    }

    [Fact]
    public void A_next_owner_that_is_not_filled_yet_is_not_waited_for()
    {
        Acknowledge(1, 1);
        Acknowledge(3, 0);
        Assert.False(Wait(Moving, 1).IsCompleted);
        _view.Publish(new(Nodes[0], Nodes[1..].Select(node => Alive(node, isFilled: false))));
        Assert.True(Wait(Moving, 1).IsCompleted);
    }

    [Fact]
    public void A_write_to_a_key_that_stays_waits_for_its_owners_alone()
    {
        for (var node = 3; node < 6; node++) Acknowledge(node, 0);
        Acknowledge(1, 2);
        Assert.True(Wait(Staying, 1).IsCompleted);
        // It is not held up by one that moves and came before.
        Assert.False(Wait(Moving, 1).IsCompleted);
        Assert.True(Wait(Staying, 2).IsCompleted);
    }

    [Fact]
    public void A_write_that_is_to_be_durable_here_alone_waits_for_nobody()
    {
        for (var node = 3; node < 6; node++) Acknowledge(node, 0);
        Assert.Equal((true, 1, 1), Result(Wait(Moving, 1, WriteConcernLevel.Local)));
    }

    [Fact]
    public void One_for_all_waits_for_all_next_owners_that_are_sent_it()
    {
        Acknowledge(1, 1);
        Acknowledge(2, 1);
        Acknowledge(3, 1);
        Acknowledge(4, 0);
        var write = Wait(Moving, 1, WriteConcernLevel.All);
        Assert.False(write.IsCompleted);
        Acknowledge(4, 1);
        Assert.Equal((true, 3, 3), Result(write));
    }

    [Fact]
    public void After_the_commit_those_who_wait_are_judged_by_the_new_owners()
    {
        Acknowledge(3, 0);
        Acknowledge(4, 1);
        var moving = Wait(Moving, 1);
        var staying = Wait(Staying, 2);
        _topology.Publish(Of([1, 2], After));
        _clock.Advance(TimeSpan.FromSeconds(0.1));
        Assert.False(moving.IsCompleted);
        // One who does not own it any more.
        Acknowledge(1, 1);
        Assert.False(moving.IsCompleted);
        Acknowledge(5, 1);
        Assert.Equal((true, 2, 2), Result(moving));
        Acknowledge(5, 2);
        Acknowledge(4, 2);
        Assert.False(staying.IsCompleted);
        Acknowledge(2, 2);
        Assert.Equal((true, 2, 2), Result(staying));
    }

    [Fact]
    public void After_a_cancel_the_present_owners_are_enough()
    {
        Acknowledge(3, 0);
        Acknowledge(1, 1);
        var write = Wait(Moving, 1);
        Assert.False(write.IsCompleted);
        _topology.Publish(Of([1], Before));
        _clock.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Equal((true, 2, 2), Result(write));
    }

    [Fact]
    public void What_was_acknowledged_for_a_cancelled_reshard_does_not_count_for_the_next_one()
    {
        Acknowledge(1, 5);
        // Of what the node was sent for the first one, the key may have been left out.
        Acknowledge(3, 5);
        Observer.Lost(Nodes[3]);
        _topology.Publish(Of([1], Before));
        _topology.Publish(Of([1], Before, new(new(10), new(5), 1, HashRing.For(2), After)));
        Acknowledge(3, 0);
        var write = Wait(Moving, 5);
        Assert.False(write.IsCompleted);
        Acknowledge(3, 5);
        Assert.True(Result(write).Satisfied);
    }

    [Fact]
    public void A_write_that_the_next_owners_do_not_hold_in_time_is_not_acknowledged()
    {
        Acknowledge(1, 1);
        Acknowledge(3, 0);
        var write = Wait(Moving, 1);
        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal((false, 2, 2), Result(write));
    }

    private static (bool Satisfied, int Required, int Replicas) Result(Task<(bool Satisfied, int Required, int Replicas)> write)
    {
        Assert.True(write.IsCompletedSuccessfully);
        return write.GetAwaiter().GetResult();
    }

    private void Acknowledge(int node, ulong sequence) =>
        Observer.Acknowledged(Nodes[node], new((ulong)node + 101), sequence == 0 ? VersionVector.Empty : VersionVector.Of(new Dot(Own, sequence)));

    private Task<(bool Satisfied, int Required, int Replicas)> Wait(Key key, ulong sequence, WriteConcernLevel level = WriteConcernLevel.Majority) =>
        _concern.WaitAsync(new WriteRecord(key, "1"u8.ToArray(), false, HybridTimestamp.At(1), new(Own, sequence), default), level, Deadline.In(TimeSpan.FromSeconds(1), _clock.Time)).AsTask();

    private static PeerView Alive(NodeAddress node) => Alive(node, isFilled: true);

    private static PeerView Alive(NodeAddress node, bool isFilled) => new(
        node, PeerState.Alive, true, new((ulong)Array.IndexOf(Nodes, node) + 101), new(5), 0, VersionVector.Empty, null, FillOf(node, isFilled), false, 0, true, true, TimeSpan.Zero, 0, TimeSpan.Zero);

    private static FillReport? FillOf(NodeAddress node, bool isComplete) =>
        After[1].Includes(node) ? new(Reshard.GroupOf(new(1)), Reshard.Begun, isComplete, 0, 0, 0, 0) : null;

    private static Key KeyOf(int shard) => Enumerable.Range(0, int.MaxValue).Select(i => new Key($"key{i}")).First(key => HashRing.For(2).OwnerOf(key.Position) == new ShardId(shard));

    private static ClusterTopology Of(ImmutableArray<int> layouts, IEnumerable<ShardMembers> shards, Transition? transition = null) =>
        new(new(1), new(5), Nodes.Select((node, i) => new TopologyMember(node, new((ulong)i + 101))), shards, layouts) { Transition = transition };

    private static ShardMembers Shard(int id, params ReadOnlySpan<NodeAddress> members) => new(new(id), [.. members]);
}
