using Kv.Common.Causality;
using Kv.Common.Identity;
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

    private static CausalToken After(VersionVector seen) =>
        new(new Epoch(1), HybridTimestamp.At(1), seen);
}
