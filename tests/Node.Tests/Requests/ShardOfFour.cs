using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Topology;
using Kv.Node.Requests;
using Kv.Node.Storage.InMemory;
using Kv.Node.Tests.Replication;
using Kv.Node.Tests.VirtualTime;
using Kv.Node.Topology;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kv.Node.Tests.Requests;

/// <summary>Anna, who is asked to remove Ben, whom she holds dead to begin with; Carla and Dora, who are in the shard as well, vote with her.</summary>
internal sealed class ShardOfFour : IDisposable
{
    public static readonly NodeAddress Anna = TwoReplicas.Anna;
    public static readonly NodeAddress Ben = TwoReplicas.Ben;
    public static readonly NodeAddress Carla = NodeAddress.Parse("10.10.0.4:8080");
    public static readonly NodeAddress Dora = NodeAddress.Parse("10.10.0.5:8080");
    public static readonly NodeAddress[] All = [Anna, Ben, Carla, Dora];

    private readonly TwoReplicas _two;
    private readonly CancellationTokenSource _stop = new();
    private readonly VirtualProcess _process;
    private readonly TopologyRegister _register;

    public ShardOfFour(VirtualClock clock, TopologyOptions options)
    {
        _two = new(clock);
        _process = clock.NewProcess();
        var sealedOne = TopologyRules.Seal(Genesis.Provisional(All, 1), All.Select((node, i) => (node, new Incarnation((ulong)i + 1))).ToDictionary(), new(1));
        var nodes = All.ToDictionary(node => node, node => new NodeIdentity(sealedOne.Cluster, node, sealedOne.IncarnationAt(node)));
        var self = nodes[Anna];
        var stores = nodes.ToDictionary(node => node.Key, node => new AcceptorStore(node.Value, new InMemoryStorage(new())));
        var registers = nodes.ToDictionary(node => node.Key, node => new TopologyRegister(node.Value, new(sealedOne), stores[node.Key]));
        foreach (var register in registers.Values) _ = _process.Start(() => register.RunAsync(_stop.Token));
        _register = registers[Anna];
        See(PeerState.Dead);
        var transport = new TwoReplicas.ScriptedTransport
        {
            Call = (peer, request) =>
            {
                if (IsBackAt(request)) See(PeerState.Alive);
                return (peer.Equals(Ben) && !BenAnswers) || IsLost(request) ? null : new InboundControl(nodes[peer], registers[peer]).AnswerAsync(self, request).AsTask();
            },
            Probe = (witness, target) => target.Equals(Ben) && Hears(witness),
        };
        var proposer = new TopologyProposer(self, _register, new(self, _register), stores[Anna], transport, clock.Time, options);
        var changes = new TopologyChanges(_register, proposer, clock.Time, new Random(1), options, NullLogger<TopologyChanges>.Instance);
        var witnesses = new Witnesses(self, _register.Topology, transport, clock.Time, options);
        Changes = new(self, _register.Topology, _two.View, _two.Replica, changes, transport, witnesses, clock.Time, options);
        Removal = new(self, _register.Topology, _two.View, Changes, witnesses, clock.Time, options, NullLogger<DeadRemoval>.Instance);
    }

    /// <summary>Whether Anna hears Ben again from when she asks this.</summary>
    public Func<ControlRequest, bool> IsBackAt { get; set; } = static _ => false;

    /// <summary>Which other one says that it hears Ben.</summary>
    public Func<NodeAddress, bool> Hears { get; set; } = static _ => false;

    /// <summary>Which questions about the topology reach nobody.</summary>
    public Func<ControlRequest, bool> IsLost { get; set; } = static _ => false;

    /// <summary>Whether Ben answers when he is asked.</summary>
    public bool BenAnswers { get; set; }

    public MembershipChanges Changes { get; }

    public DeadRemoval Removal { get; }

    public ClusterTopology Now => _register.Topology.Current;

    /// <summary>Runs it until the test ends.</summary>
    public Task<T> Start<T>(Func<CancellationToken, Task<T>> work) => _process.Start(() => work(_stop.Token));

    /// <inheritdoc cref="Start{T}"/>
    public Task Start(Func<CancellationToken, Task> work) => _process.Start(() => work(_stop.Token));

    /// <summary>What Anna sees of Ben from now on, and what he says that he holds: nothing, or something that nobody else does; and what she sees of the others.</summary>
    public void See(PeerState ben, VersionVector? held = null, PeerState others = PeerState.Alive) => _two.View.Publish(new(Anna, All.Where(node => !node.Equals(Anna)).Select(node => new PeerView(
        node, node.Equals(Ben) ? ben : others, true, Now.IncarnationAt(node), Now.Epoch.Next, 0, node.Equals(Ben) && held is not null ? held : VersionVector.Empty,
        null, null, false, 1, true, true, TimeSpan.Zero, 0, TimeSpan.Zero))));

    public void Dispose()
    {
        _stop.Cancel();
        _stop.Dispose();
        _two.Dispose();
    }
}
