using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Topology;
using Kv.Node.Membership;
using Kv.Node.Peers;
using Kv.Node.Signals;
using Kv.Node.Tests.VirtualTime;

namespace Kv.Node.Tests.Membership;

/// <summary>The membership of one node as it runs in production, on a virtual network and clock.</summary>
internal sealed class VirtualNode : IHeartbeatSource
{
    private readonly NodeIdentity _self;
    private readonly TimeProvider _time;
    private readonly InboundHeartbeats _inbound;
    private readonly HeartbeatLoops _loops;
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;

    public VirtualNode(NodeIdentity self, ClusterTopology topology, MembershipOptions options, VirtualClock clock, VirtualNetwork network, int seed)
    {
        _self = self;
        _time = clock.Time;
        Topology = new(topology);
        Process = clock.NewProcess();
        var random = new Random(seed);
        var transport = network.TransportOf(self.Address);
        Gate = new(self, new RecordingLogger<HeartbeatGate>(Log));
        Membership = new(self, Topology, transport, options, clock.Time, new Random(random.Next()), new RecordingLogger<MembershipService>(Log));
        _inbound = new(this, Gate, Membership, options, clock.Time, new RecordingLogger<InboundHeartbeats>(Log));
        _loops = new(self, Topology, transport, this, Gate, Membership, Departure, options, clock.Time, random, new RecordingLogger<HeartbeatLoop>(Log));
    }

    public NodeAddress Address => _self.Address;

    public VirtualProcess Process { get; }

    public Published<ClusterTopology> Topology { get; }

    public HeartbeatGate Gate { get; }

    public MembershipService Membership { get; }

    public MembershipView View => Membership.View.Current;

    public VersionVector Vector { get; set; } = VersionVector.Empty;

    public Departure Departure { get; } = new();

    public List<(int Event, string Text)> Log { get; } = [];

    public void Start() => _running = Process.Start(() => Task.WhenAll(Membership.RunAsync(_stop.Token), _loops.RunAsync(_stop.Token)));

    /// <summary>Asks the loops to stop; the task tells how they ended.</summary>
    public Task StopAsync()
    {
        Process.Start(() =>
        {
            _stop.Cancel();
            return Task.CompletedTask;
        });
        return _running;
    }

    /// <summary>Says how far it is with ending.</summary>
    public void Announce(DepartureStage stage) => Process.Start(() =>
    {
        Departure.Announce(stage);
        return Task.CompletedTask;
    });

    public void Serve(IPeerStream<Heartbeat, Heartbeat> stream) => Process.Start(async () =>
    {
        await using (stream) await _inbound.ServeAsync(stream, _stop.Token);
    });

    public PeerState StateOf(NodeAddress peer) => View.Find(peer)?.State ?? PeerState.Unknown;

    public int Logged(int eventId) => Log.Count(entry => entry.Event == eventId);

    public Heartbeat Next() => new(
        _self.Cluster,
        _self.Address,
        _self.Incarnation,
        Topology.Current.Epoch,
        Topology.Current.Digest,
        Vector,
        Topology.Current.ReplicatedBy(_self.Address) is { } shard ? Topology.Current.GroupOf(shard.Id) : null,
        Filling: null,
        Owes: false,
        LiveKeys: 0,
        SentUnixMs: _time.GetUtcNow().ToUnixTimeMilliseconds(),
        Ready: Departure.Stage is DepartureStage.Staying,
        Complete: true)
    {
        Departure = Departure.Stage,
    };
}
