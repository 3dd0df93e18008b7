using System.Threading.Channels;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Topology;
using Kv.Node.Hosting;
using Kv.Node.Membership;
using Kv.Node.Migration;
using Kv.Node.Peers;
using Kv.Node.Replication;
using Kv.Node.Requests;
using Kv.Node.Signals;
using Kv.Node.Storage;
using Kv.Node.Storage.InMemory;
using Kv.Node.Telemetry;
using Kv.Node.Topology;
using Kv.Simulation.Network;
using Kv.Simulation.Time;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Kv.Simulation.Nodes;

/// <summary>
/// One machine: a disk, a clock, and at most one process at a time, which runs the node as it runs in production except for its two doors and its edges.
/// </summary>
internal sealed class SimNode
{
    private readonly SimCluster _cluster;
    private readonly Random _random;
    private Running? _running;
    private TopologyOrigin _origin;

    public SimNode(SimCluster cluster, NodeAddress address, Random random)
    {
        (_cluster, Address, _random, _origin) = (cluster, address, random, new(cluster.Provisional));
        Disk = new(new Random(random.Next()));
    }

    public NodeAddress Address { get; }

    public SimDisk Disk { get; private set; }

    /// <summary>How far the wall clock of the machine is from true time.</summary>
    public TimeSpan ClockSkew { get; set; }

    public SimCluster Cluster => _cluster;

    public bool IsRunning => _running is not null;

    public bool IsPaused => _running?.Process.IsPaused == true;

    public SimProcess? Process => _running?.Process;

    /// <summary>When the process that runs now began; meaningless when none does.</summary>
    public long StartedAt { get; private set; }

    /// <summary>A fault keeps it from being started again before then.</summary>
    public long MayStartAt { get; set; }

    /// <summary>False for a spare machine that nobody has switched on yet.</summary>
    public bool IsProvisioned { get; set; }

    /// <summary>An operator is about to remove it.</summary>
    public bool IsOnItsWayOut { get; set; }

    /// <summary>True for what was made in the place of a node that was removed, until an operator lets it in.</summary>
    public bool IsUninvited => _origin.IsUninvited;

    public NodeIdentity Identity => new(_cluster.Provisional.Cluster, Address, Disk.Incarnation);

    /// <summary>The shard that the newest topology has this node serve, join or leave; null when there is none.</summary>
    public ShardId? Shard => _cluster.Topology.ReplicatedBy(Address)?.Id;

    /// <summary>As whom it numbers its writes by what is on its disk; null without a place.</summary>
    public Origin? OwnOrigin => Disk.Durable.Place is { } place ? new(Disk.Incarnation, place) : null;

    /// <summary>The topology that the process acts on; null when none runs.</summary>
    public ClusterTopology? Known => _running?.Topology;

    /// <summary>What is going on inside; null when no process runs.</summary>
    public IServiceProvider? Services => _running?.Services;

    /// <summary>When the request was sent that waits longest for its answer; null when none waits.</summary>
    public long? OldestPending => _running?.OldestPending;

    public MembershipView? View => _running?.Membership.View.Current;

    /// <summary>Starts a process on what is on the disk.</summary>
    public void Start()
    {
        if (_running is not null) return;
        if (Disk.Incarnation.IsNone) Disk.Incarnation = NewIncarnation();
        StartedAt = _cluster.Scheduler.Now;
        _running = new Running(this, _cluster, _cluster.NextProcess($"{Address}/{Disk.Incarnation}"));
        _running.Begin();
    }

    /// <summary>
    /// Ends the process at once. Killed, what it had handed to its disk is there; without power, of what was not synced only some of the first writes are.
    /// </summary>
    public void Kill(bool losesPower)
    {
        if (_running is not { } running) return;
        _running = null;
        running.End();
        _cluster.Network.Detach(Address, losesPower);
        Disk.CrashPoint = null;
        var unsynced = Disk.Medium.UnsyncedWrites;
        Disk.Medium.Crash(losesPower ? _random.Next(unsynced + 1) : unsynced);
        Disk.Medium.OnStep = null;
        _cluster.Mutant.Crashed(this);
    }

    /// <summary>The disk is gone for good, and with it who this node was.</summary>
    public void LoseDisk()
    {
        var former = Disk.Incarnation;
        Disk = new(new Random(_random.Next())) { Lost = [.. Disk.Lost, Disk.Medium] };
        Disk.Incarnation = _cluster.Mutant.Reborn(former, NewIncarnation());
        _origin = new(_cluster.Provisional);
    }

    // What it held is kept aside, as in production; nobody asks for it any more.
    private void BeginAnewAfter(RemovedFromClusterException removed)
    {
        _cluster.Departing?.Invoke(this);
        LoseDisk();
        _origin = new(removed.Topology, IsUninvited: true);
    }

    public void Pause() => _running?.Process.Pause();

    public void Resume() => _running?.Process.Resume();

    /// <summary>Asks the process to stop, as SIGTERM does; it has three seconds.</summary>
    public void Stop()
    {
        if (_running is not { } running) return;
        running.Process.Post(_ => running.Stop(), null);
        _cluster.Scheduler.After(TimeSpan.FromSeconds(3), () =>
        {
            if (_running == running) Kill(losesPower: false);
        });
    }

    /// <summary>
    /// A client's request. The answer comes outside any process: the outcome, null with true when the node certainly did not get the request, null with
    /// false when nobody knows.
    /// </summary>
    public void Call(Command command, Action<Outcome?, bool> answer)
    {
        if (_running is { } running) running.Call(command, answer);
        else answer(null, true);
    }

    /// <summary>Has the process that runs now do something of its own; nothing when none does. <paramref name="died"/> is called when that process ends.</summary>
    public void Do(Func<IServiceProvider, Task> work, Action? died = null)
    {
        if (_running is { } running) running.Do(work, died);
    }

    private Incarnation NewIncarnation() => new((ulong)_random.NextInt64(1, long.MaxValue));

    /// <summary>One process and everything in it.</summary>
    private sealed class Running : IDoor
    {
        private readonly SimNode _node;
        private readonly SimCluster _cluster;
        private readonly NodeIdentity _self;
        private readonly ServiceProvider _services;
        private readonly CancellationTokenSource _stop = new();
        private readonly HashSet<Pending> _pending = [];
        private readonly List<Action> _died = [];
        private readonly SimTransport _transport;
        private readonly TimeProvider _time;
        private readonly NodeOptions _options;
        private readonly Published<ClusterTopology> _topology;
        private RemovedFromClusterException? _removed;

        public Running(SimNode node, SimCluster cluster, SimProcess process)
        {
            (_node, _cluster, Process) = (node, cluster, process);
            var mutant = cluster.Mutant;
            _self = node.Identity;
            _options = cluster.OptionsFor(node.Address);
            _time = mutant.Time(new SimTimeProvider(process, () => node.ClockSkew), node);
            _transport = new(cluster.Network, _self, process, _time, this);
            node.Disk.Mount(_time);
            var storage = mutant.Storage(new InMemoryStorage(node.Disk.Medium), node);
            var seeds = new Random(node._random.Next());

            var services = new ServiceCollection();
            services.AddSingleton(cluster.Loggers(process)).AddSingleton(typeof(ILogger<>), typeof(Logger<>));
            services.AddNode(_options, _self, node._origin);
            services.AddSingleton<IStorageEngine>(new AuditedStorage(storage, _self, node));
            services.AddSingleton(_time);
            services.AddTransient(_ => new Random(seeds.Next()));
            services.AddSingleton(mutant.Transport(_transport, node));
            mutant.Services(services, node);
            _services = services.BuildServiceProvider();
            _topology = _services.GetRequiredService<Published<ClusterTopology>>();
            Membership = _services.GetRequiredService<MembershipService>();
        }

        public SimProcess Process { get; }

        public IServiceProvider Services => _services;

        public MembershipService Membership { get; }

        public ClusterTopology Topology => _topology.Current;

        public long? OldestPending => _pending.Count == 0 ? null : _pending.Min(pending => pending.Since);

        public void Begin()
        {
            _cluster.Network.Attach(_node.Address, _transport);
            Process.Start(RunAsync);
        }

        public void Stop()
        {
            _stop.Cancel();
        }

        public void End()
        {
            Process.Kill();
            // The only thing of it that is known outside: instruments are listed process-wide.
            _services.GetRequiredService<KvMetrics>().Dispose();
            foreach (var pending in _pending) pending.Answer(null, false);
            _pending.Clear();
            foreach (var died in _died) died();
        }

        public void Do(Func<IServiceProvider, Task> work, Action? died)
        {
            if (died is not null) _died.Add(died);
            Process.Start(async () =>
            {
                try
                {
                    await work(_services);
                }
                catch (StorageFailedException failed)
                {
                    // A door answers with an error, and goes on.
                    _cluster.Log($"{_node.Address} could not do what it was asked: {failed.Message}");
                }
                catch (Exception stopping) when (stopping is OperationCanceledException or ChannelClosedException)
                {
                }
                catch (Exception bug)
                {
                    Failed(bug);
                }
            });
        }

        public void Call(Command command, Action<Outcome?, bool> answer)
        {
            var pending = new Pending(answer, _cluster.Scheduler.Now);
            _pending.Add(pending);
            Process.Start(async () =>
            {
                Outcome? outcome = null;
                try
                {
                    var isHandedOver = !_services.GetRequiredService<CausalGate>().IsOpenTo(command.Token.Token);
                    outcome = await ExecuteAsync(_cluster.Mutant.Enter(command, _node));
                    _cluster.Answered?.Invoke(_node, command, outcome, pending.Since, isHandedOver);
                    outcome = _cluster.Mutant.Leave(command, outcome, _node);
                }
                catch (Exception stopping) when (stopping is OperationCanceledException or ChannelClosedException)
                {
                }
                catch (Exception bug)
                {
                    Failed(bug);
                }

                if (_pending.Remove(pending)) pending.Answer(outcome, false);
            });
        }

        public Task ServeHeartbeatsAsync(IPeerStream<Heartbeat, Heartbeat> stream, CancellationToken cancellation) =>
            _services.GetRequiredService<InboundHeartbeats>().ServeAsync(stream, cancellation);

        public Task ServeBroadcastAsync(NodeIdentity from, BroadcastOpening opening, IPeerStream<Acknowledgement, RecordBatch> stream, CancellationToken cancellation)
        {
            Admit(from);
            return _services.GetRequiredService<InboundReplication>().ServeAsync(from, opening, _cluster.Mutant.InboundBroadcast(stream, _node), cancellation);
        }

        public Task ServeForwardingAsync(NodeIdentity from, IPeerStream<ForwardReplyBatch, ForwardBatch> stream, CancellationToken cancellation)
        {
            Admit(from);
            return _services.GetRequiredService<ForwardedRequests>().ServeAsync(stream, cancellation);
        }

        public async Task ServeFetchAsync(NodeIdentity from, IPeerStream<RecordBatch, FetchRequest> stream, CancellationToken cancellation)
        {
            Admit(from);
            if (await stream.ReceiveAsync(cancellation) is not { } request) return;
            foreach (var batch in _services.GetRequiredService<InboundReplication>().Fetch(request)) await stream.SendAsync(batch, cancellation);
        }

        public async Task ServeTransferAsync(NodeIdentity from, IPeerStream<TransferPiece, TransferRequest> stream, CancellationToken cancellation)
        {
            Admit(from);
            if (await stream.ReceiveAsync(cancellation) is not { } request) return;
            _cluster.Count($"Transfer{request.Kind}");
            try
            {
                await foreach (var piece in _services.GetRequiredService<RangeSender>().SendAsync(request, cancellation)) await stream.SendAsync(piece, cancellation);
            }
            catch (TransferRefusedException refused)
            {
                throw new RefusedCallException(refused.Message);
            }
        }

        public ValueTask<ControlReply> AnswerAsync(NodeIdentity from, ControlRequest request) =>
            from.Cluster == _self.Cluster ? _services.GetRequiredService<InboundControl>().AnswerAsync(from, request) : throw new RefusedCallException("of another cluster");

        public bool Hears(NodeIdentity from, NodeAddress target)
        {
            Admit(from);
            return Membership.Hears(target);
        }

        public void Failed(Exception bug) => _cluster.Violations.Add("No unexpected failure", $"{_node.Address}: {bug}");

        private async Task RunAsync()
        {
            try
            {
                await _services.GetRequiredService<NodeLoops>().RunAsync(_stop.Token);
                if (!_stop.IsCancellationRequested) _cluster.Violations.Add("No unexpected failure", $"{_node.Address}: the loops ended by themselves");
            }
            catch (Exception failed) when (failed is StorageFailedException or DataDirectoryRefusedException)
            {
                _cluster.Log($"{_node.Address} stops: {failed.Message}");
            }
            catch (RemovedFromClusterException removed)
            {
                _cluster.Log($"{_node.Address} stops: {removed.Message}");
                _removed = removed;
            }
            catch (Exception bug)
            {
                Failed(bug);
            }

            // The process exits; its supervisor starts it again.
            _cluster.Scheduler.After(TimeSpan.Zero, () =>
            {
                if (_node._running != this) return;
                _node.Kill(losesPower: false);
                if (_removed is { } removed) _node.BeginAnewAfter(removed);
            });
        }

        private ValueTask<Outcome> ExecuteAsync(Command command)
        {
            var origin = RequestOrigin.Client(_options.Requests, _time);
            return command switch
            {
                GetCommand get => _services.GetRequiredService<ReadPath>().ReadAsync(get, origin),
                WriteCommand write => _services.GetRequiredService<WritePath>().WriteAsync(write, origin),
                CountKeysCommand count => _services.GetRequiredService<KeyCounts>().CountAsync(count),
                _ => throw new ArgumentOutOfRangeException(nameof(command)),
            };
        }

        private void Admit(NodeIdentity from)
        {
            if (from.Cluster != _self.Cluster || from.Incarnation.IsNone || !_topology.Current.Includes(from.Address)) throw new RefusedCallException("not a member");
        }

        private sealed class Pending(Action<Outcome?, bool> answer, long since)
        {
            public long Since => since;

            public void Answer(Outcome? outcome, bool notReceived) => answer(outcome, notReceived);
        }
    }
}
