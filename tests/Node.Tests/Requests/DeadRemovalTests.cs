using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Topology;
using Kv.Node.Peers;
using Kv.Node.Requests;
using Kv.Node.Storage.InMemory;
using Kv.Node.Tests.Replication;
using Kv.Node.Tests.VirtualTime;
using Kv.Node.Topology;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kv.Node.Tests.Requests;

/// <summary>Anna has Ben removed, who is dead; Carla and Dora, who are in the shard as well, vote with her.</summary>
public sealed class DeadRemovalTests : IDisposable
{
    private static readonly NodeAddress Anna = TwoReplicas.Anna;
    private static readonly NodeAddress Ben = TwoReplicas.Ben;
    private static readonly NodeAddress Carla = NodeAddress.Parse("10.10.0.4:8080");
    private static readonly NodeAddress Dora = NodeAddress.Parse("10.10.0.5:8080");
    private static readonly NodeAddress[] All = [Anna, Ben, Carla, Dora];
    private static readonly TopologyOptions Options = new() { RemoveDeadAfter = TimeSpan.FromSeconds(10) };

    private readonly VirtualClock _clock = new();
    private readonly TwoReplicas _two;
    private readonly CancellationTokenSource _stop = new();
    private readonly VirtualProcess _process;
    private readonly TopologyRegister _register;
    private Func<ControlRequest, bool> _isBackAt = static _ => false;
    private Func<NodeAddress, bool> _hears = static _ => false;

    public DeadRemovalTests()
    {
        _two = new(_clock);
        _process = _clock.NewProcess();
        var sealedOne = TopologyRules.Seal(Genesis.Provisional(All, 1), All.Select((node, i) => (node, new Incarnation((ulong)i + 1))).ToDictionary(), new(1));
        var nodes = All.ToDictionary(node => node, node => new NodeIdentity(sealedOne.Cluster, node, sealedOne.IncarnationAt(node)));
        var self = nodes[Anna];
        var stores = nodes.ToDictionary(node => node.Key, node => new AcceptorStore(node.Value, new InMemoryStorage(new())));
        var registers = nodes.ToDictionary(node => node.Key, node => new TopologyRegister(node.Value, new(sealedOne), stores[node.Key]));
        foreach (var register in registers.Values) _ = _process.Start(() => register.RunAsync(_stop.Token));
        _register = registers[Anna];
        See(PeerState.Dead, sealedOne);
        var transport = new TwoReplicas.ScriptedTransport
        {
            Call = (peer, request) =>
            {
                if (_isBackAt(request)) See(PeerState.Alive, sealedOne);
                return peer.Equals(Ben) ? null : new InboundControl(nodes[peer], registers[peer]).AnswerAsync(self, request).AsTask();
            },
            Probe = (witness, target) => target.Equals(Ben) && _hears(witness),
        };
        var proposer = new TopologyProposer(self, _register, new(self, _register), stores[Anna], transport, _clock.Time, Options);
        var changes = new TopologyChanges(_register, proposer, _clock.Time, new Random(1), Options, NullLogger<TopologyChanges>.Instance);
        var membership = new MembershipChanges(self, _register.Topology, _two.View, _two.Replica, changes, transport, _clock.Time, Options);
        var removal = new DeadRemoval(self, _register.Topology, _two.View, membership, transport, _clock.Time, Options, NullLogger<DeadRemoval>.Instance);
        _ = _process.Start(() => removal.RunAsync(_stop.Token));
    }

    private ClusterTopology Now => _register.Topology.Current;

    public void Dispose()
    {
        _stop.Cancel();
        _stop.Dispose();
        _two.Dispose();
    }

    [Fact]
    public void A_member_that_stays_dead_is_removed()
    {
        _clock.Advance(Options.RemoveDeadAfter - TimeSpan.FromSeconds(1));
        Assert.True(Now.Includes(Ben));
        _clock.AdvanceUntil(() => !Now.Includes(Ben), TimeSpan.FromSeconds(10));
        Assert.Equal([Anna, Carla, Dora], Now.ShardOf(Anna)!.Members);
    }

    [Fact]
    public void One_that_is_back_when_its_removal_is_about_to_be_voted_for_keeps_its_place()
    {
        var asked = false;
        _isBackAt = request => request is ControlRequest.Prepare && (asked = true);
        _clock.AdvanceUntil(() => asked, TimeSpan.FromSeconds(20));
        _clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(All, Now.ShardOf(Anna)!.Members);
    }

    [Fact]
    public void One_that_some_other_hears_keeps_its_place_until_nobody_does()
    {
        _hears = static witness => witness.Equals(Dora);
        _clock.Advance(Options.RemoveDeadAfter * 4);
        Assert.Equal(All, Now.ShardOf(Anna)!.Members);
        _hears = static _ => false;
        _clock.AdvanceUntil(() => !Now.Includes(Ben), Options.RemoveDeadAfter * 2);
    }

    [Fact]
    public void One_of_whom_too_few_say_anything_keeps_its_place()
    {
        _hears = static witness => witness.Equals(Dora) ? throw new PeerUnavailableException(Dora, "is silent") : throw new PeerUnavailableException(Carla, "is silent");
        _clock.Advance(Options.RemoveDeadAfter * 4);
        Assert.Equal(All, Now.ShardOf(Anna)!.Members);
    }

    // What was between: a member that serves no more and is not removed either, for good when whoever removes it stops there.
    [Fact]
    public void Its_removal_is_one_change()
    {
        var before = Now.Epoch;
        _clock.AdvanceUntil(() => !Now.Includes(Ben), TimeSpan.FromSeconds(20));
        Assert.Equal(before.Next, Now.Epoch);
    }

    // Whoever is back is heard with all that it held: it has nothing to hand over.
    private void See(PeerState ben, ClusterTopology topology) => _two.View.Publish(new(Anna, All.Where(node => !node.Equals(Anna)).Select(node => new PeerView(
        node, node.Equals(Ben) ? ben : PeerState.Alive, true, topology.IncarnationAt(node), topology.Epoch.Next, 0, Kv.Common.Causality.VersionVector.Empty, null, null, false, 1, true, true, TimeSpan.Zero, 0, TimeSpan.Zero))));
}
