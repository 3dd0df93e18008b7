using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Time;
using Kv.Node.Replica;
using Kv.Node.Tests.VirtualTime;

namespace Kv.Node.Tests.Replication;

public sealed class ServingFloorTests : IDisposable
{
    private readonly VirtualClock _clock = new();
    private readonly TwoReplicas _two;

    public ServingFloorTests() => _two = new(_clock);

    public void Dispose() => _two.Dispose();

    [Fact]
    public void A_replica_without_data_that_hears_nobody_serves_only_whom_it_cannot_mislead()
    {
        using var stop = new CancellationTokenSource();
        var floor = _two.NewLonelyFloor(_clock.Time);
        _clock.NewProcess().Start(() => floor.RunAsync(stop.Token));
        Assert.False(floor.Admits(CausalToken.None));
        _clock.Advance(new ReplicaOptions().FormationGrace + TimeSpan.FromSeconds(1));
        var own = VersionVector.Of([new Dot(new(_two.Self.Incarnation, _two.Topology.Current.GroupOf(new(0))), 1)]);
        Assert.True(floor.Admits(CausalToken.None));
        Assert.True(floor.Admits(After(own)));
        // All that the client has seen of the shard may have been pruned, or all but what another replica wrote last.
        Assert.False(floor.Admits(After(VersionVector.Empty)));
        Assert.False(floor.Admits(After(TwoReplicas.OfBen)));
        Assert.False(floor.Admits(After(own.Join(TwoReplicas.OfBen))));
    }

    [Fact]
    public void What_only_a_replaced_member_told_of_is_not_waited_for()
    {
        using var stop = new CancellationTokenSource();
        var floor = _two.NewFloor(_clock.Time);
        _ = _clock.NewProcess().Start(() => _two.Replica.RunAsync(stop.Token));
        _ = _clock.NewProcess().Start(() => floor.RunAsync(stop.Token));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(TwoReplicas.OfBen, floor.Needed);

        // Ben dies, and with him the only copy; what he told of is waited for as long as he may come back.
        _two.View.Publish(new(TwoReplicas.Anna, [_two.View.Current.Find(TwoReplicas.Ben)! with { State = PeerState.Dead }]));
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.False(floor.IsComplete);

        _two.Topology.Publish(new(
            _two.Topology.Current.Cluster, new(5), [new(TwoReplicas.Anna, _two.Self.Incarnation), new(TwoReplicas.Ben, new(3))], [new(new(0), [TwoReplicas.Anna]) { Joining = [TwoReplicas.Ben] }], [1]));
        _clock.Advance(TimeSpan.FromSeconds(10));
        Assert.True(floor.IsComplete);
        Assert.True(_two.Replica.Snapshot.Current.IsComplete);
        stop.Cancel();
        _clock.Settle();
    }

    private static CausalToken After(VersionVector seen) =>
        new(new Epoch(1), HybridTimestamp.At(1), seen);
}
