using Kv.Common.Causality;
using Kv.Histories;
using Kv.Histories.Checkers;
using Kv.Node.Replica;
using Kv.Simulation.Checkers;
using Kv.Simulation.Clients;
using Kv.Simulation.Faults;
using Kv.Simulation.Mutants;
using Kv.Simulation.Nodes;
using Kv.Simulation.Time;
using Microsoft.Extensions.DependencyInjection;

namespace Kv.Simulation.Runs;

/// <summary>
/// One run: 1. nodes start and clients work while faults happen, 2. everything is healed, 3. the replicas must become equal, 4. every session must be
/// served at once, 5. what was promised is checked. All of it on the calling thread, in virtual time.
/// </summary>
internal sealed class Simulation
{
    private static readonly TimeSpan LongestConvergence = TimeSpan.FromSeconds(45);

    private readonly Plan _plan;
    private readonly Scheduler _scheduler;
    private readonly SimCluster _cluster;
    private readonly Nemesis _nemesis;
    private readonly Workload _workload;
    private readonly ScrubWatch _scrubs;
    private readonly List<SimClient> _clients = [];
    private readonly SimTimeProvider _clientTime;
    private readonly SimProcess _clientProcess;
    private readonly CausalTokenCodec _tokens;
    private readonly Random _random;
    private int _recoveries;
    private Exception? _clientFailure;

    private Simulation(Plan plan, Mutant mutant, Action<string>? log)
    {
        _plan = plan;
        _random = new(plan.Seed);
        _scheduler = new(plan.RandomInterleaving ? new Random(_random.Next()) : null);
        _cluster = new(_scheduler, plan.Nodes, plan.Spares, plan.Shards, new Random(_random.Next()), mutant, log);
        foreach (var link in _cluster.Network.Links) link.Latency = (TimeSpan.FromMicroseconds(100), TimeSpan.FromMicroseconds(200) + (plan.MostLatency * _random.NextDouble()));
        foreach (var node in _cluster.Nodes) node.MayStartAt = TimeSpan.FromMilliseconds(_random.Next(1500)).Ticks;
        _scrubs = new(_cluster);
        _nemesis = new(_cluster, new Random(_random.Next()));
        _workload = new(_cluster, new Random(_random.Next()), plan.HotKeys, plan.Keys, plan.IsPeaceful);
        _clientProcess = _cluster.NextProcess("clients");
        _clientTime = new(_clientProcess, () => TimeSpan.Zero);
        _tokens = new("simulation"u8, _cluster.Provisional.Cluster);
        var watch = new AnswerWatch(_cluster, _nemesis.Calm);
        _cluster.Answered = watch.Answered;
    }

    /// <summary>Runs a plan from beginning to end. <paramref name="log"/> gets a line for whatever happens.</summary>
    public static RunResult Run(Plan plan, Mutant? mutant = null, Action<string>? log = null) => new Simulation(plan, mutant ?? Mutant.None, log).Run();

    private RunResult Run()
    {
        try
        {
            WorkUnderFaults();
            if (!_cluster.Violations.Any) Heal();
            if (!_cluster.Violations.Any) ServeEverySession();
            CheckHistory();
        }
        catch (EscapedContinuationException escaped)
        {
            _cluster.Violations.Add("One thread", escaped.Message);
        }

        if (_clientFailure is not null) _cluster.Violations.Add("No unexpected failure", _clientFailure.ToString());
        var virtualTime = TimeSpan.FromTicks(_scheduler.Now);
        foreach (var node in _cluster.Nodes) node.Kill(losesPower: false);
        var operations = _workload.History.Operations;
        return new(
            _plan, [.. _cluster.Violations.All], _scheduler.Trace.Value, virtualTime, operations.Count, operations.Count(o => o.Status is OperationStatus.Acknowledged),
            _scheduler.Executed, _cluster.Network.MessagesDelivered, operations.Select(o => o.TokenLength).DefaultIfEmpty().Max(), _clients.Sum(c => c.GivenUp),
            operations.Count(o => o.Status is OperationStatus.Unknown), CountFaults());
    }

    private void WorkUnderFaults()
    {
        _nemesis.Plan(_plan.Faults);
        if (_plan.Loss > 0) _nemesis.LoseSegments(_plan.Loss, _plan.Duration);
        var until = _plan.Duration.Ticks;
        foreach (var (seed, habits) in _plan.Clients)
        {
            var client = new SimClient(_workload, _clients.Count, new Random(seed), _clientTime, _tokens, habits);
            _clients.Add(client);
            StartClient(() => client.RunAsync(until));
        }

        var detection = new DetectionWatch(_cluster, _nemesis);
        var queues = new QueueWatch(_cluster);
        RunUntil(until, TimeSpan.FromMilliseconds(250), Look, () => _cluster.Violations.Any);

        void Look()
        {
            detection.Look();
            queues.Look(isAtRest: false);
            _scrubs.Look();
        }
    }

    private void Heal()
    {
        _nemesis.HealAll();
        _cluster.Log("HEALED");
        var bound = _scheduler.Now + LongestConvergence.Ticks;
        var quorum = new LostQuorum(_cluster);
        RunUntil(bound, TimeSpan.FromMilliseconds(100), Look, () => _cluster.Violations.Any || (_clients.TrueForAll(c => c.HasEnded) && Unfinished() is null));
        _recoveries = quorum.Recoveries;
        if (!_cluster.Violations.Any && Unfinished() is { } unfinished) _cluster.Violations.Add("Progress after healing", unfinished);
        if (!_cluster.Violations.Any && _clients.Exists(c => !c.HasEnded)) _cluster.Violations.Add("Progress after healing", "a client still waits");

        void Look()
        {
            quorum.Look();
            _nemesis.Operator.Finish(_random);
        }
    }

    // Null when every node serves and every shard's replicas hold the same.
    private string? Unfinished()
    {
        var nowMs = (SimTimeProvider.Beginning + TimeSpan.FromTicks(_scheduler.Now)).ToUnixTimeMilliseconds();
        var topology = _cluster.Topology;
        if (_nemesis.Operator.IsBusy) return "the operator is not answered";
        foreach (var shard in topology.Shards.Where(shard => !shard.Joining.IsEmpty || !shard.Leaving.IsEmpty)) return $"the topology is still to change: {topology}";
        if (topology.Transition is { } transition) return $"{transition} is still under way";
        var canBeSealed = topology.IsSealed || _cluster.History.CanBeSealed([.. topology.Members.Select(address => _cluster[address].Identity)]);
        if (canBeSealed && !topology.IsSealed) return $"the topology is not sealed: {topology}";
        foreach (var outsider in _cluster.Provisioned.Where(node => canBeSealed && !topology.IsMember(node.Identity) && !node.IsUninvited)) return $"{outsider.Address} is no member: {topology}";
        foreach (var node in _cluster.Members)
        {
            if (node.Services is not { } services) return $"{node.Address} does not run";
            if (services.GetRequiredService<Readiness>().WhyNot() is { } reason) return $"{node.Address} is not ready: {reason}";
            if (node.Known!.Epoch != topology.Epoch) return $"{node.Address} is at epoch {node.Known.Epoch} of {topology.Epoch}";
            if (!node.View!.LiveMembers.SequenceEqual(topology.Members)) return $"{node.Address} sees {string.Join(", ", node.View.LiveMembers)}, members are {string.Join(", ", topology.Members)}";
            // Not merely alive: as long as it suspects one, it sends it no requests.
            if (_cluster.Members.FirstOrDefault(other => !node.View!.IsReachable(other.Address)) is { } unheard) return $"{node.Address} does not hear {unheard.Address}";
            var snapshot = services.GetRequiredService<ReplicaState>().Snapshot.Current;
            if (Math.Max(snapshot.Clock.Milliseconds, snapshot.UnmergedStamp.Milliseconds) > nowMs) return $"the clock of {node.Address} is ahead of time";
            if (snapshot.Fill is { } fill) return $"{node.Address} is still being filled for {fill.Target}";
            if (snapshot.Former is [var former, ..]) return $"{node.Address} still keeps the log of {former.Group}";
            if (node.Shard is not { } itsShard) continue;
            var group = topology.GroupOf(itsShard);
            if (snapshot.Place != group) return $"{node.Address} is of {snapshot.Place?.ToString() ?? "no group"}, not yet of {group}";
            var first = _cluster.MembersOf(itsShard).First(n => n.IsRunning);
            var (held, expected) = (HeldBy(node), HeldBy(first));
            if (!held.Equals(expected)) return $"{node.Address} holds {held}, {first.Address} {expected}";

            // What an origin wrote that had nothing to do with the shard may be named by one replica and not by another.
            VersionVector HeldBy(SimNode replica) =>
                replica.Services!.GetRequiredService<ReplicaState>().Snapshot.Current.Vector.OfGroups(past => topology.Concerns(past, group));
        }

        return null;
    }

    // Every session goes on, wherever it likes, and is served at once: also those that gave up meanwhile.
    private void ServeEverySession()
    {
        var done = 0;
        foreach (var client in _clients) StartClient(() => ServeAsync(client));
        RunUntil(_scheduler.Now + TimeSpan.FromSeconds(20).Ticks, TimeSpan.FromMilliseconds(100), null, () => done == _clients.Count || _cluster.Violations.Any);
        if (done < _clients.Count) _cluster.Violations.Add("Progress after healing", "a session is still not served");

        if (!_cluster.Violations.Any && _cluster.Topology.Layout > 0) ServeOldTokens();

        // Beats tell everyone what everyone holds; then nothing is left that a token would have to name.
        RunUntil(_scheduler.Now + TimeSpan.FromSeconds(3).Ticks, TimeSpan.FromSeconds(1), null, () => _cluster.Violations.Any);
        done = 0;
        foreach (var client in _clients) StartClient(() => IdleAsync(client));
        RunUntil(_scheduler.Now + TimeSpan.FromSeconds(5).Ticks, TimeSpan.FromMilliseconds(50), null, () => done == _clients.Count || _cluster.Violations.Any);
        if (!_cluster.Violations.Any)
        {
            new FinalWatch(_cluster, _workload).Look();
            new QueueWatch(_cluster).Look(isAtRest: true);
            _scrubs.Look();
            _scrubs.Count();
        }

        async Task ServeAsync(SimClient client)
        {
            foreach (var kind in (OperationKind[])[OperationKind.Read, OperationKind.Put, OperationKind.Read, OperationKind.Delete])
            {
                // Known, and open: what was lost is still named by the tokens of writes to other shards that saw it; see docs/bugs-found.md.
                if (DependsOnLostWrites(client.Token)) client.BeginAnew();
                Operation operation;
                var tries = 0;
                do
                {
                    // A connection that broke while nothing was sent on it is found out by the first request, which is then lost.
                    operation = await client.OperateAsync(kind, _workload.DrawKey(_random), AnyMember(), TimeSpan.FromSeconds(12));
                }
                while (operation.Status is OperationStatus.Unknown && ++tries < 4);
                if (operation.Status is not OperationStatus.Acknowledged && kind is not OperationKind.Delete)
                    _cluster.Violations.Add("Progress after healing", operation.ToString());
            }

            done++;
        }

        async Task IdleAsync(SimClient client)
        {
            var node = AnyMember();
            var operation = await client.OperateAsync(OperationKind.Read, _workload.DrawKey(_random), node, TimeSpan.FromSeconds(4));
            var token = client.Token.Present(_tokens).Token;
            if (operation.Status is OperationStatus.Acknowledged && operation.After >= 0 && token.Dependencies.Count > 0 && !DependsOnLostWrites(client.Token))
                _cluster.Violations.Add("Idle tokens are small", $"the token of {operation} still names {token.Dependencies}");
            done++;
        }
    }

    // However old a token is, and whatever has become of the shards since: it is judged by every node.
    private void ServeOldTokens()
    {
        var operations = _workload.History.Operations.Where(o => o.Status is OperationStatus.Acknowledged).ToList();
        if (operations.Count == 0) return;
        var (done, all) = (0, Math.Min(6, _clients.Count));
        foreach (var client in _clients.Take(all)) StartClient(() => ServeAsync(client));
        RunUntil(_scheduler.Now + TimeSpan.FromSeconds(60).Ticks, TimeSpan.FromMilliseconds(100), null, () => done == all || _cluster.Violations.Any);
        if (!_cluster.Violations.Any && done < all) _cluster.Violations.Add("Progress after healing", "an old token is still not served");

        async Task ServeAsync(SimClient client)
        {
            var (last, old) = (client.Token, _workload.TokenOf(operations[_random.Next(operations.Count)].Id));
            foreach (var node in _cluster.Members.ToList())
            {
                client.Adopt(old);
                if (DependsOnLostWrites(old)) break;
                var operation = await client.OperateAsync(OperationKind.Read, _workload.DrawKey(_random), node, TimeSpan.FromSeconds(12));
                if (operation.Status is not OperationStatus.Acknowledged) _cluster.Violations.Add("Progress after healing", operation.ToString());
            }

            client.Adopt(last);
            done++;
        }
    }

    // What one disk held alone, and was lost with it, is waited for in vain by a session that saw it.
    private bool DependsOnLostWrites(SessionToken token) =>
        token.Present(_tokens).Token.Dependencies.Any(dot =>
            _cluster.Ledger.Entries.Any(e => e.IsLost && e.Record.Dot.Origin == dot.Origin && e.Record.Dot.Sequence <= dot.Sequence));

    private SimNode AnyMember() => _cluster[_cluster.Topology.Members[_random.Next(_cluster.Topology.Members.Length)]];

    private void CheckHistory()
    {
        if (_plan.IsPeaceful) _cluster.Violations.Add(new PeaceChecker(_plan.Duration).Check(_workload.History).Take(3));
        HistoryCompletion.Complete(_workload, _cluster.Ledger);
        _workload.History.Origins = Math.Max(_cluster.Nodes.Count, _cluster.Ledger.Entries.Select(entry => entry.Record.Dot.Origin).Distinct().Count());
        foreach (var checker in AllCheckers.OfHistories)
            _cluster.Violations.Add(checker.Check(_workload.History).Take(3).Select(what => new Violation(checker.Promise, what)));
    }

    private void StartClient(Func<Task> work) => _clientProcess.Start(async () =>
    {
        try
        {
            await work();
        }
        catch (Exception failure)
        {
            _clientFailure ??= failure;
        }
    });

    private void RunUntil(long end, TimeSpan step, Action? each, Func<bool> stop)
    {
        while (_scheduler.Now < end && !stop() && _clientFailure is null)
        {
            _scheduler.RunUntil(Math.Min(end, _scheduler.Now + step.Ticks), null);
            each?.Invoke();
        }
    }

    private Dictionary<string, long> CountFaults()
    {
        var faults = _nemesis.Happened.ToDictionary(pair => pair.Key.ToString(), pair => (long)pair.Value);
        faults["SegmentLost"] = _cluster.Network.SegmentsLost;
        faults["ForcedRecovery"] = _recoveries;
        faults["TopologyDecided"] = _cluster.History.Decided;
        foreach (var (what, times) in _cluster.Happened) faults[what] = times;
        return faults;
    }
}
