using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Time;
using Kv.Common.Topology;
using Kv.Node.Replica;
using Kv.Node.Requests;
using Kv.Node.Tests.Replication;
using Kv.Node.Tests.VirtualTime;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kv.Node.Tests.Requests;

/// <summary>How long a request waits for what its client has seen.</summary>
public sealed class PastDeadlineTests : IDisposable
{
    private readonly VirtualClock _clock = new();
    private readonly TwoReplicas _two;

    public PastDeadlineTests() => _two = new(_clock);

    public void Dispose() => _two.Dispose();

    [Fact]
    public async Task The_wait_for_a_topology_and_the_wait_for_the_writes_after_it_have_one_bound()
    {
        var options = new RequestOptions();
        var reads = NewReadPath(options);
        var seal = TopologyRules.Seal(_two.Topology.Current, new Dictionary<NodeAddress, Incarnation> { [TwoReplicas.Anna] = _two.Self.Incarnation, [TwoReplicas.Ben] = new(2) }, new(1));
        var past = TwoReplicas.OfBen.Aggregate(Dependencies.None, (all, dot) => all.With(_two.Replica.Place.Shard!.Id, dot));
        var token = new CausalToken(seal.Epoch, HybridTimestamp.At(1), past);
        var read = _clock.NewProcess().Start(() => reads.ReadAsync(new(new Key("key"), new(token, default)), RequestOrigin.Client(options, _clock.Time) with { MayForward = false }).AsTask());
        _clock.Advance(options.CausalWait - TimeSpan.FromSeconds(1));
        _two.Topology.Publish(seal);
        _clock.Advance(TimeSpan.FromSeconds(0.9));
        Assert.False(read.IsCompleted);
        _clock.Advance(TimeSpan.FromSeconds(0.2));
        Assert.True(read.IsCompleted);
        Assert.Equal(TwoReplicas.OfBen, Assert.IsType<Outcome.DependenciesMissing>(await read).Missing);
    }

    private ReadPath NewReadPath(RequestOptions options)
    {
        var lanes = new ForwardLanes(_two.Self, _two.Topology, _two.Transport, _clock.Time, new Random(1), options, NullLogger<ForwardLane>.Instance);
        var forwarder = new Forwarder(_two.Self, lanes, _two.View, _clock.Time, options, _two.Metrics);
        var gate = new CausalGate(_two.Replica, _two.NewLonelyFloor(_clock.Time), _two.NewCatchUp(_clock.Time), _clock.Time, options, _two.Metrics);
        var stability = new Stability(_two.Self, _two.Topology, _two.View, _two.Replica, _two.Tokens);
        return new(_two.Self, new(_two.Topology, _clock.Time), forwarder, gate, _two.Replica, stability);
    }
}
