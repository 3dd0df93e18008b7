using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Hosting;
using Kv.Node.Membership;
using Kv.Node.Migration;
using Kv.Node.Peers;
using Kv.Node.Replica;
using Kv.Node.Replication;
using Kv.Node.Requests;
using Kv.Node.Rest;
using Kv.Node.Retention;
using Kv.Node.Scrub;
using Kv.Node.Storage;
using Kv.Node.Topology;
using Kv.Simulation.Checkers;
using Kv.Simulation.Mutants;
using Kv.Simulation.Network;
using Kv.Simulation.Time;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kv.Simulation.Nodes;

/// <summary>All machines of a simulation, the network between them, and what a god would know about them.</summary>
internal sealed class SimCluster
{
    private readonly Random _random;
    private readonly Action<string>? _log;
    private readonly Dictionary<NodeAddress, long> _placedSince = [];
    private long _changedAt;
    private int _processes;

    public SimCluster(Scheduler scheduler, int nodes, int spares, int shards, Random random, Mutant mutant, Action<string>? log)
    {
        (Scheduler, _random, Mutant, _log) = (scheduler, random, mutant, log);
        NodeAddress[] addresses = [.. Enumerable.Range(0, nodes + spares).Select(i => NodeAddress.Parse($"10.10.0.{i + 2}:8080"))];
        Provisional = Genesis.Provisional(addresses[..nodes], shards);
        Violations = new(() => scheduler.Now);
        History = new(Provisional, Violations) { Changed = FollowTopology };
        foreach (var address in Provisional.Members) _placedSince[address] = 0;
        Ledger = new(Violations);
        Network = new(scheduler, new Random(random.Next()), addresses) { GivesUpSilentConnections = mutant.GivesUpSilentConnections };
        if (log is not null) Network.Arrived = (receiver, message) => Tell(receiver, message);
        Nodes = [.. addresses.Select(address => new SimNode(this, address, new Random(random.Next())) { IsProvisioned = Provisional.Includes(address) })];
    }

    public Scheduler Scheduler { get; }

    /// <summary>What every node was told at its first start.</summary>
    public ClusterTopology Provisional { get; }

    /// <summary>The newest topology that is durable anywhere.</summary>
    public ClusterTopology Topology => History.Newest;

    public TopologyHistory History { get; }

    /// <summary>
    /// Runs in a node when a state of its register has become durable and nothing has followed from it yet.
    /// </summary>
    public Func<SimNode, RegisterState, ValueTask>? RegisterPersisted { get; set; }

    /// <summary>Runs in a node when a step of its replica has become durable and nothing has followed from it yet, with the state before and after.</summary>
    public Func<SimNode, ReplicaCheckpoint, ReplicaCheckpoint, ValueTask>? ReplicaPersisted { get; set; }

    public SimNetwork Network { get; }

    public IReadOnlyList<SimNode> Nodes { get; }

    public Ledger Ledger { get; }

    /// <summary>How often this and that happened of which nobody outside hears, so that a run without it shows.</summary>
    public SortedDictionary<string, long> Happened { get; } = [];

    public void Count(string what, long times = 1) => Happened[what] = Happened.GetValueOrDefault(what) + times;


    public Violations Violations { get; }

    public Mutant Mutant { get; }

    /// <summary>
    /// Told of every answer a node gives to a client, in the node, with the time at which the request came in, and whether the node would rather have had
    /// another one serve it.
    /// </summary>
    public Action<SimNode, Command, Outcome, long, bool>? Answered { get; set; }

    /// <summary>Told of a node that was removed, when what it held is about to be put aside.</summary>
    public Action<SimNode>? Departing { get; set; }

    public SimNode this[NodeAddress address] => Nodes.First(node => node.Address.Equals(address));

    /// <summary>Machines that were ever switched on; the others are spares.</summary>
    public IEnumerable<SimNode> Provisioned => Nodes.Where(node => node.IsProvisioned);

    /// <summary>Those that the newest topology names.</summary>
    public IEnumerable<SimNode> Members => Topology.Members.Select(address => this[address]);

    public IEnumerable<SimNode> Running => Nodes.Where(node => node.IsRunning);

    public IEnumerable<SimNode> MembersOf(ShardId shard) => Topology.Find(shard)!.Members.Select(address => this[address]);

    /// <summary>The shard that owns the key of a write by the newest topology.</summary>
    public ShardId ShardOf(Ledger.Entry entry) => Topology.ShardOf(entry.Record.Key).Id;

    /// <summary>True when the newest topology has had the node serve, or not serve, for so long.</summary>
    public bool IsPlaced(SimNode node, TimeSpan since) =>
        Topology.IsMember(node.Identity) && _placedSince.TryGetValue(node.Address, out var at) && (at == 0 || Scheduler.Now - at > since.Ticks);

    /// <summary>True when the topology has not changed for so long.</summary>
    public bool IsTopologySettled(TimeSpan since) => _changedAt == 0 || Scheduler.Now - _changedAt > since.Ticks;

    public void Log(string message) => _log?.Invoke($"{TimeSpan.FromTicks(Scheduler.Now).TotalSeconds,9:F4}  {message}");

    private void Tell(string receiver, object message)
    {
        if (MessageText.Of(message) is { } text) Log($"{receiver} gets {text}");
    }

    public SimProcess NextProcess(string name) => new(++_processes, name, Scheduler, new Random(_random.Next()));

    public ILoggerFactory Loggers(SimProcess process) => _log is null ? NullLoggerFactory.Instance : new TraceLoggers(this, process);

    public NodeOptions OptionsFor(NodeAddress self)
    {
        var options = new NodeOptions
        {
            SocketAddress = self,
            View = [.. Provisional.Members],
            ShardCount = Provisional.Shards.Length,
            DataDirectory = "",
            ClusterSecret = "simulation"u8.ToArray(),
            InMemory = true,
            Rest = new RestOptions(),
            Requests = new RequestOptions(),
            Replica = new ReplicaOptions(),
            Replication = new ReplicationOptions(),
            Membership = new MembershipOptions(),
            Peers = new PeerOptions(),
            Storage = new StorageOptions(),
            Topology = new TopologyOptions(),
            Migration = new MigrationOptions(),
            // So small that it all happens within seconds.
            Retention = new RetentionOptions { ReviewInterval = TimeSpan.FromMilliseconds(300), TombstoneInterval = TimeSpan.Zero, MinTrimRecords = 4, MaxLogRecords = 60, DemoteAfter = TimeSpan.FromSeconds(1.5) },
            Scrub = new ScrubOptions { Period = TimeSpan.FromSeconds(12), HurriedPeriod = TimeSpan.FromSeconds(4), ArcsPerStep = 1024 },
        };
        Mutant.Options(options);
        return options;
    }

    private void FollowTopology(ClusterTopology before)
    {
        Log($"TOPOLOGY {Topology}");
        Count("MemberDemoted", Topology.Shards.Sum(shard => shard.Joining.Count(node => before.ShardOf(node)?.Id == shard.Id && before.IncarnationAt(node) == Topology.IncarnationAt(node) && before.Layout == Topology.Layout)));
        _changedAt = Scheduler.Now;
        foreach (var node in Nodes)
        {
            var address = node.Address;
            // The seal only says who is there.
            var isSame = before.Includes(address) == Topology.Includes(address)
                && (!before.IsSealed || before.IncarnationAt(address) == Topology.IncarnationAt(address))
                && PlaceIn(before) == PlaceIn(Topology);
            if (!isSame) _placedSince[address] = Scheduler.Now;

            // Which shard it serves may change without anybody noticing.
            (bool, bool) PlaceIn(ClusterTopology topology) => (topology.ReplicatedBy(address) is not null, topology.ShardOf(address) is not null);
        }
    }

    private sealed class TraceLoggers(SimCluster cluster, SimProcess process) : ILoggerFactory
    {
        public void AddProvider(ILoggerProvider provider)
        {
        }

        public ILogger CreateLogger(string categoryName) => new TraceLogger(cluster, process, categoryName[(categoryName.LastIndexOf('.') + 1)..]);

        public void Dispose()
        {
        }
    }

    private sealed class TraceLogger(SimCluster cluster, SimProcess process, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Debug;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel)) cluster.Log($"{process.Name} {category}: {formatter(state, exception)}");
        }
    }
}
