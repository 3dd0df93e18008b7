using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Storage.InMemory;
using Kv.Node.Tests.Replication;
using Kv.Node.Tests.VirtualTime;
using Kv.Node.Topology;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kv.Node.Tests.Topology;

/// <summary>Changes where there are one or two acceptors, and none to spare.</summary>
public sealed class TopologyChangesTests
{
    private static readonly NodeAddress Anna = NodeAddress.Parse("10.10.0.2:8080");
    private static readonly TopologyMember Newcomer = new(NodeAddress.Parse("10.10.0.3:8080"), new(2));
    private static readonly ClusterTopology Founded =
        TopologyRules.Seal(Genesis.Provisional([Anna], 1), new Dictionary<NodeAddress, Incarnation> { [Anna] = new(1) }, new(1));

    private static readonly NodeIdentity Self = new(Founded.Cluster, Anna, new(1));

    private readonly VirtualClock _clock = new();
    private readonly VirtualProcess _process;
    private readonly InMemoryStorage _storage = new(new());
    private readonly TopologyRegister _register;
    private readonly TopologyChanges _changes;

    public TopologyChangesTests()
    {
        _process = _clock.NewProcess();
        var store = new AcceptorStore(Self, _storage);
        var options = new TopologyOptions();
        _register = new(Self, new(Founded), store);
        var proposer = new TopologyProposer(Self, _register, new(Self, _register), store, new TwoReplicas.ScriptedTransport(), _clock.Time, options);
        _changes = new(_register, proposer, _clock.Time, new Random(1), options, NullLogger<TopologyChanges>.Instance);
    }

    [Fact]
    public async Task A_decided_change_is_acted_on_and_there_after_a_restart()
    {
        using var stop = new CancellationTokenSource();
        _ = _process.Start(() => _register.RunAsync(stop.Token));
        // The newcomer is an acceptor of what comes next, and one of two is no majority: the change is decided, and not acknowledged.
        var change = _process.Start(() => _changes.ChangeAsync(new TopologyChange.Admit(new(7), Newcomer), CancellationToken.None));
        _clock.Advance(new TopologyOptions().ChangeTimeout + TimeSpan.FromSeconds(2));
        var held = Assert.IsType<ChangeOutcome.NoQuorum>(await change);
        Assert.Equal([Newcomer.Address], held.Missing.Select(acceptor => acceptor.Address));
        Assert.True(_register.Topology.Current.Includes(Newcomer.Address));
        Assert.Equal(Founded.Epoch.Next, new TopologyRegister(Self, new(Founded), new(Self, _storage)).Topology.Current.Epoch);
    }

    [Fact]
    public async Task What_the_rules_refuse_is_refused_by_the_latest_topology()
    {
        using var stop = new CancellationTokenSource();
        _ = _process.Start(() => _register.RunAsync(stop.Token));
        var change = _process.Start(() => _changes.ChangeAsync(new TopologyChange.Remove(new(7), Anna), CancellationToken.None));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(ChangeRefusal.LastReplica, Assert.IsType<ChangeOutcome.Refused>(await change).Reason);
        Assert.Equal(Founded.Epoch, _register.Topology.Current.Epoch);
    }

    [Fact]
    public async Task A_change_ends_although_this_nodes_own_register_has_ended()
    {
        _ = _process.Start(() => _register.RunAsync(new CancellationToken(canceled: true)));
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        var change = _process.Start(() => _changes.ChangeAsync(new TopologyChange.Admit(new(7), Newcomer), CancellationToken.None));
        _clock.Advance(new TopologyOptions().ChangeTimeout + TimeSpan.FromSeconds(2));
        Assert.True(change.IsCompleted);
        Assert.Equal([Anna], Assert.IsType<ChangeOutcome.NoQuorum>(await change).Missing.Select(acceptor => acceptor.Address));
    }

    [Fact]
    public async Task A_node_that_decides_its_own_removal_does_not_act_on_it_before_those_who_remain_hold_it()
    {
        using var stop = new CancellationTokenSource();
        var both = TopologyRules.Seal(Genesis.Provisional([Anna, Newcomer.Address], 1), new Dictionary<NodeAddress, Incarnation> { [Anna] = new(1), [Newcomer.Address] = Newcomer.Incarnation }, new(1));
        var (self, other) = (new NodeIdentity(both.Cluster, Anna, new(1)), new NodeIdentity(both.Cluster, Newcomer.Address, Newcomer.Incarnation));
        var (mine, theirs) = (Register(self), Register(other));
        var isLearningLost = true;
        var answers = new InboundControl(other, theirs);
        var transport = new TwoReplicas.ScriptedTransport { Call = (_, request) => request is ControlRequest.Learn && isLearningLost ? null : answers.AnswerAsync(self, request).AsTask() };
        var options = new TopologyOptions();
        var proposer = new TopologyProposer(self, mine, new(self, mine), new(self, new InMemoryStorage(new())), transport, _clock.Time, options);
        var changes = new TopologyChanges(mine, proposer, _clock.Time, new Random(1), options, NullLogger<TopologyChanges>.Instance);
        var change = _process.Start(() => changes.ChangeAsync(new TopologyChange.Remove(new(7), Anna), CancellationToken.None));

        // Both have voted for it, and Anna alone knows that.
        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(both.Epoch, theirs.Topology.Current.Epoch);
        Assert.Equal(both.Epoch, mine.Topology.Current.Epoch);
        isLearningLost = false;
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(Assert.IsType<ChangeOutcome.Done>(await change).Changed);
        Assert.False(theirs.Topology.Current.Includes(Anna));

        TopologyRegister Register(NodeIdentity node)
        {
            var register = new TopologyRegister(node, new(both), new(node, new InMemoryStorage(new())));
            _ = _process.Start(() => register.RunAsync(stop.Token));
            return register;
        }
    }
}
