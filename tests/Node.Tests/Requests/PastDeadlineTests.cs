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
    private readonly RequestOptions _options = new();
    private readonly TwoReplicas _two;
    private readonly ForwardLanes _lanes;

    public PastDeadlineTests()
    {
        _two = new(_clock);
        _lanes = new(_two.Self, _two.Topology, _two.Transport, _clock.Time, new Random(1), _options, NullLogger<ForwardLane>.Instance);
    }

    public void Dispose() => _two.Dispose();

    [Fact]
    public async Task The_wait_for_a_topology_and_the_wait_for_the_writes_after_it_have_one_bound()
    {
        var seal = SealNaming(_two.Self.Incarnation);
        var read = Read(seal.Epoch, RequestOrigin.Client(_options, _clock.Time) with { MayForward = false });
        _clock.Advance(_options.CausalWait - TimeSpan.FromSeconds(1));
        _two.Topology.Publish(seal);
        _clock.Advance(TimeSpan.FromSeconds(0.9));
        Assert.False(read.IsCompleted);
        _clock.Advance(TimeSpan.FromSeconds(0.2));
        Assert.True(read.IsCompleted);
        Assert.Equal(TwoReplicas.OfBen, Assert.IsType<Outcome.DependenciesMissing>(await read).Missing);
    }

    [Fact]
    public async Task What_was_waited_for_before_a_request_is_forwarded_is_not_waited_for_again()
    {
        using var stop = new CancellationTokenSource();
        _ = _clock.NewProcess().Start(() => _lanes.RunAsync(stop.Token));
        // Another incarnation is at Anna's address: she serves nothing by the new topology, and Ben, who should, stands still.
        var seal = SealNaming(new(77));
        var read = Read(seal.Epoch, RequestOrigin.Client(_options, _clock.Time));
        _clock.Advance(_options.CausalWait - TimeSpan.FromSeconds(1));
        _two.Topology.Publish(seal);
        _clock.Advance(TimeSpan.FromSeconds(1) + _options.WriteConcernWait + _options.ForwardingAllowance + TimeSpan.FromSeconds(0.5));
        Assert.True(read.IsCompleted);
        Assert.IsType<Outcome.ShardUnavailable>(await read);
        stop.Cancel();
    }

    private ClusterTopology SealNaming(Incarnation anna) =>
        TopologyRules.Seal(_two.Topology.Current, new Dictionary<NodeAddress, Incarnation> { [TwoReplicas.Anna] = anna, [TwoReplicas.Ben] = new(2) }, new(1));

    // By a client that has seen the write of Ben.
    private Task<Outcome> Read(Epoch epoch, RequestOrigin origin)
    {
        var forwarder = new Forwarder(_two.Self, _lanes, _two.View, _clock.Time, _options, _two.Metrics);
        var gate = new CausalGate(_two.Topology, _two.Replica, _two.NewLonelyFloor(_clock.Time), _two.NewCatchUp(_clock.Time), new(_options, _two.Metrics), _clock.Time, _options, _two.Metrics);
        var stability = new Stability(_two.Self, _two.Topology, _two.View, _two.Replica, _two.Tokens);
        var reads = new ReadPath(_two.Self, new(_two.Topology, _clock.Time), forwarder, gate, _two.Replica, stability, new(_clock.Time));
        var token = new CausalToken(epoch, HybridTimestamp.At(1), TwoReplicas.OfBen);
        return _clock.NewProcess().Start(() => reads.ReadAsync(new(new Key("key"), new(token, default)), origin).AsTask());
    }
}
