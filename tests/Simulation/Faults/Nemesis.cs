using Kv.Common.Identity;
using Kv.Common.Migration;
using Kv.Node.Storage;
using Kv.Node.Storage.InMemory;
using Kv.Node.Topology;
using Kv.Simulation.Checkers;
using Kv.Simulation.Nodes;
using Kv.Simulation.Time;

namespace Kv.Simulation.Faults;

/// <summary>Makes planned faults happen, and everything well again at the end.</summary>
internal sealed class Nemesis
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly SimCluster _cluster;
    private readonly Scheduler _scheduler;
    private readonly HashSet<ShardId> _shardsThatLostDisks = [];
    private readonly DepartureWatch _departures;
    private readonly Random _random;
    private bool _unassignedLostDisk;
    private long _crashesAfterVotesUntil;
    private long _crashesInReshardsUntil;
    private bool _isOver;

    public Nemesis(SimCluster cluster, Random random)
    {
        (_cluster, _scheduler, _random) = (cluster, cluster.Scheduler, random);
        Calm = new(() => _scheduler.Now);
        Operator = new(cluster);
        _departures = new(cluster, Calm);
        cluster.Departing = _departures.Removed;
        cluster.RegisterPersisted = RegisterPersistedAsync;
        cluster.ReplicaPersisted = ReplicaPersistedAsync;
        Supervise(random);
    }

    public Calm Calm { get; }

    public Operator Operator { get; }

    public Dictionary<FaultKind, int> Happened { get; } = [];

    /// <summary>Node, and when it was killed for longer than detection takes; judged by the failure detection checker.</summary>
    public List<(SimNode Node, long At)> Kills { get; } = [];

    public void Plan(IEnumerable<Fault> faults)
    {
        foreach (var fault in faults) _scheduler.After(fault.At, () => Begin(fault));
    }

    /// <summary>Every link loses segments, from now on until everything is healed.</summary>
    public void LoseSegments(double loss, TimeSpan duration)
    {
        foreach (var from in _cluster.Nodes)
        {
            foreach (var to in _cluster.Nodes)
            {
                _cluster.Network[from.Address, to.Address].UsualLoss = loss;
                Calm.Disturb(from.Address, to.Address, (duration + (8 * Second)).Ticks);
            }
        }
    }

    /// <summary>Ends every fault and starts what is down.</summary>
    public void HealAll()
    {
        _isOver = true;
        Operator.Rest();
        foreach (var node in _cluster.Nodes)
        {
            node.Resume();
            node.ClockSkew = TimeSpan.Zero;
            node.Disk.IsFull = false;
            node.Disk.Room = StorageRoom.Ample;
            node.Disk.FailingSteps = 0;
            node.Disk.Slowness = TimeSpan.Zero;
            node.Disk.CrashPoint = null;
            node.MayStartAt = 0;
            if (node.Process is { } process) process.Lag = TimeSpan.Zero;
        }

        foreach (var from in _cluster.Nodes)
        {
            foreach (var to in _cluster.Nodes)
            {
                var link = _cluster.Network[from.Address, to.Address];
                link.Loss = 0;
                link.UsualLoss = 0;
                link.Slowness = TimeSpan.Zero;
                while (link.IsCut) _cluster.Network.Heal(from.Address, to.Address);
            }
        }

        _cluster.Network.FetchDisorder = 0;
    }

    // A supervisor starts processes that ended, as an orchestrator does, a while later.
    private void Supervise(Random random)
    {
        foreach (var node in _cluster.Provisioned)
        {
            if (!node.IsRunning && _scheduler.Now >= node.MayStartAt && random.Next(3) == 0)
            {
                node.Start();
                Calm.Disturb(node.Address, _scheduler.Now);
            }

            if (!node.IsRunning || node.IsPaused) Calm.Disturb(node.Address, _scheduler.Now);
        }

        _scheduler.After(TimeSpan.FromMilliseconds(100), () => Supervise(random));
    }

    private void Begin(Fault fault)
    {
        if (_isOver) return;
        var random = new Random(fault.Seed);
        var node = _cluster.Nodes[random.Next(_cluster.Nodes.Count)];
        var end = _scheduler.Now + fault.Duration.Ticks;
        if (!Apply(fault, random, node, end)) return;
        Happened[fault.Kind] = Happened.GetValueOrDefault(fault.Kind) + 1;
        _scheduler.Trace.Add((ulong)fault.Kind, (ulong)fault.Seed);
    }

    private bool Apply(Fault fault, Random random, SimNode node, long end)
    {
        switch (fault.Kind)
        {
            case FaultKind.Kill:
            case FaultKind.PowerLoss:
                return Kill(node, fault.Kind is FaultKind.PowerLoss, end);
            case FaultKind.CrashInWrite:
                if (!node.IsRunning) return false;
                var losesPower = random.Next(2) == 0;
                _cluster.Log($"FAULT {node.Address} will crash in a write");
                node.Disk.CrashPoint = ((DiskStep)random.Next(3), () => Kill(node, losesPower, _scheduler.Now + fault.Duration.Ticks));
                return true;
            case FaultKind.KillAll:
                var power = random.Next(2) == 0;
                foreach (var each in _cluster.Nodes) Kill(each, power, end);
                return true;
            case FaultKind.DiskLoss:
                return LoseDisk(node, end);
            case FaultKind.LonelyDiskLoss:
                // Longer than it waits before it serves as one who is alone.
                var lonely = fault with { Duration = fault.Duration + (4 * Second) };
                if (node.Shard is not { } itsShard) return false;
                var others = _cluster.MembersOf(itsShard).Where(member => member != node).Select(member => (node.Address, member.Address)).ToList();
                return LoseDisk(node, _scheduler.Now + (Second.Ticks / 5)) && Cut(lonely, _scheduler.Now + (lonely.Duration + (4 * Second)).Ticks, others.SelectMany(BothWays));
            case FaultKind.Stop:
                if (!node.IsRunning) return false;
                _cluster.Log($"FAULT {node.Address} is asked to stop");
                node.MayStartAt = end;
                Calm.Disturb(node.Address, end);
                Calm.Delay(end);
                node.Stop();
                return true;
            case FaultKind.Pause:
                return Pause(node, end);
            case FaultKind.SlowNode:
                if (node.Process is not { } process) return false;
                process.Lag = TimeSpan.FromMilliseconds(random.Next(1, 60));
                _cluster.Log($"FAULT {node.Address} lags by {process.Lag.TotalMilliseconds} ms");
                Calm.Disturb(node.Address, end + (2 * Second.Ticks));
                Calm.Delay(end + Second.Ticks);
                Until(fault.Duration, () => process.Lag = TimeSpan.Zero);
                return true;
            case FaultKind.SlowDisk:
                node.Disk.Slowness = TimeSpan.FromMilliseconds(random.Next(10, 900));
                _cluster.Log($"FAULT the disk of {node.Address} takes up to {node.Disk.Slowness.TotalMilliseconds} ms");
                Calm.Delay(end + (3 * Second.Ticks));
                var slow = node.Disk;
                Until(fault.Duration, () => slow.Slowness = TimeSpan.Zero);
                return true;
            case FaultKind.FullDisk:
                var full = node.Disk;
                (full.Room, full.IsFull) = random.Next(3) switch
                {
                    0 => (StorageRoom.Reserve, false),
                    1 => (StorageRoom.None, false),
                    _ => (StorageRoom.Ample, true),
                };
                _cluster.Log($"FAULT the disk of {node.Address} is full: {(full.IsFull ? "nothing can be written" : full.Room)}");
                Calm.Disturb(node.Address, end + Second.Ticks);
                Calm.Delay(end + Second.Ticks);
                Until(fault.Duration, () => (full.Room, full.IsFull) = (StorageRoom.Ample, false));
                return true;
            case FaultKind.DiskError:
                node.Disk.FailingSteps++;
                _cluster.Log($"FAULT the disk of {node.Address} fails once");
                Calm.Disturb(node.Address, end);
                return true;
            case FaultKind.ClockJump:
                node.ClockSkew += TimeSpan.FromMilliseconds(random.Next(4) == 0 ? random.Next(-8000, 8000) : random.Next(-900, 900));
                _cluster.Log($"FAULT the clock of {node.Address} is off by {node.ClockSkew.TotalMilliseconds} ms");
                Until(fault.Duration, () => node.ClockSkew = TimeSpan.Zero);
                return true;
            case FaultKind.FetchDisorder:
                _cluster.Network.FetchDisorder = 0.4;
                Until(fault.Duration, () => _cluster.Network.FetchDisorder = 0);
                return true;
            case FaultKind.CrashAfterVote:
                _crashesAfterVotesUntil = Math.Max(_crashesAfterVotesUntil, end);
                return true;
            case FaultKind.CrashInReshard:
                _crashesInReshardsUntil = Math.Max(_crashesInReshardsUntil, end);
                return _cluster.Topology.Transition is not null;
            case FaultKind.AddNode:
                return Operator.Add(random);
            case FaultKind.RemoveNode:
                return Remove(random);
            case FaultKind.AddReplica:
                return Operator.AddReplica(random);
            case FaultKind.Reshard:
                return Operator.Reshard(random);
            case FaultKind.CancelReshard:
                return Operator.CancelReshard(random);
            default:
                return DisturbNetwork(fault, random, node, end);
        }
    }

    // Right after a vote is when a fault can undo a decision: one that hits at random hardly ever does.
    private async ValueTask RegisterPersistedAsync(SimNode node, RegisterState state)
    {
        var isOfReshard = node.Known is { } known && state.Acceptor.Chosen.Scope != known.Scope;
        var kind = isOfReshard && _scheduler.Now < _crashesInReshardsUntil ? FaultKind.CrashInReshard : FaultKind.CrashAfterVote;
        if (_isOver || _scheduler.Now >= (kind is FaultKind.CrashInReshard ? _crashesInReshardsUntil : _crashesAfterVotesUntil) || _random.Next(4) > 0) return;
        await CrashAsync(kind, node, () => _cluster.Running.FirstOrDefault(any => any.Disk.Incarnation == state.Acceptor.Promised.Proposer));
    }

    // And so is right after a step of a reshard. Steps that happen once are hit more often than each of the many pieces of a transfer.
    private async ValueTask ReplicaPersistedAsync(SimNode node, ReplicaCheckpoint before, ReplicaCheckpoint after)
    {
        if (_isOver || _scheduler.Now >= _crashesInReshardsUntil) return;
        var odds = before.Place != after.Place || before.Former.Length != after.Former.Length || before.Fill is null != after.Fill is null ? 4
            : before.Fill != after.Fill && Steps(before.Fill) != Steps(after.Fill) ? 6
            : after.Fill is { IsComplete: false } ? 40
            : 0;
        if (odds == 0 || _random.Next(odds) > 0) return;
        await CrashAsync(FaultKind.CrashInReshard, node, AnotherParty);

        static int Steps(Fill? fill) => fill is null ? 0 : fill.Sources.Sum(source => (source.Cut is null ? 0 : 1) + (source.IsWhole ? 1 : 0)) + (fill.IsComplete ? 1 : 0);

        // Who drives the reshard, or a donor.
        SimNode? AnotherParty() => _random.Next(2) == 0 ? _cluster.Running.FirstOrDefault() : _cluster.Running.ElementAtOrDefault(_random.Next(_cluster.Nodes.Count));
    }

    private async ValueTask CrashAsync(FaultKind kind, SimNode node, Func<SimNode?> findOther)
    {
        Happened[kind] = Happened.GetValueOrDefault(kind) + 1;
        var until = _scheduler.Now + TimeSpan.FromMilliseconds(_random.Next(100, 3000)).Ticks;
        switch (_random.Next(4))
        {
            case 0:
                // Nobody hears of it.
                Kill(node, _random.Next(2) == 0, until);
                await new TaskCompletionSource().Task;
                break;
            case 1:
                // The answer may still get away.
                var process = node.Process;
                var losesPower = _random.Next(2) == 0;
                _scheduler.After(TimeSpan.FromMicroseconds(_random.Next(1, 8000)), () =>
                {
                    if (node.Process == process) Kill(node, losesPower, until);
                });
                break;
            case 2:
                // Whoever wanted it does not live to see it.
                if (findOther() is not { } other || other == node) return;
                _scheduler.After(TimeSpan.FromMicroseconds(_random.Next(1, 2000)), () => Kill(other, losesPower: false, _scheduler.Now + (Second.Ticks / 4)));
                break;
            default:
                var cut = new Fault(FaultKind.Isolation, default, TimeSpan.FromTicks(until - _scheduler.Now), 0);
                Cut(cut, until + (4 * Second.Ticks), _cluster.Nodes.Where(away => away != node).Select(away => (node.Address, away.Address)).SelectMany(BothWays));
                break;
        }
    }

    // A node that cannot be reached now goes as if its disk were lost, so that is counted as one.
    private bool Remove(Random random)
    {
        var topology = _cluster.Topology;
        var candidates = topology.Members.Where(member => topology.ReplicatedBy(member) is not { } shard || shard.Members.Length > (shard.Includes(member) ? 1 : 0)).ToList();
        if (candidates.Count == 0 || topology.Members.Length < 3 || !topology.IsSealed) return false;
        // Most often one that seems to be gone.
        var gone = candidates.Where(member => !_cluster[member].IsRunning || !Calm.IsCalm(member, Second) || _cluster.Members.Count(other => !Calm.IsCalm(other.Address, member, Second)) > 1).ToList();
        if (gone.Count > 0 && random.Next(3) > 0) candidates = gone;
        var node = _cluster[candidates[random.Next(candidates.Count)]];
        // Clients must have somewhere to go.
        if (!_cluster.Members.Any(other => other != node && other.IsRunning && !other.IsOnItsWayOut && _cluster.IsPlaced(other, 3 * Second))) return false;
        var settled = 8 * Second;
        var isCalm = node.IsRunning && Calm.IsCalm(node.Address, settled) && _cluster.Members.All(other => Calm.IsCalm(other.Address, node.Address, settled));
        if (node.Shard is { } itsShard && !MayBeLost(node, itsShard) && !isCalm) return false;
        Operator.Remove(node, random);
        return true;
    }

    private bool Kill(SimNode node, bool losesPower, long until)
    {
        if (!node.IsRunning) return false;
        _cluster.Log($"FAULT {node.Address} {(losesPower ? "loses power" : "is killed")}");
        node.Kill(losesPower);
        node.MayStartAt = until;
        Calm.Disturb(node.Address, until);
        Kills.Add((node, _scheduler.Now));
        return true;
    }

    private bool Pause(SimNode node, long end)
    {
        if (!node.IsRunning || node.IsPaused) return false;
        _cluster.Log($"FAULT {node.Address} stands still");
        var process = node.Process;
        node.Pause();
        Calm.Disturb(node.Address, end + (2 * Second.Ticks));
        Calm.Delay(end + Second.Ticks);
        _scheduler.After(TimeSpan.FromTicks(end - _scheduler.Now), () =>
        {
            if (node.Process != process) return;
            node.Resume();
            _cluster.Log($"FAULT {node.Address} goes on");
        });
        return true;
    }

    // What is promised is to survive the loss of any one replica: until everything that must survive is held by two again, no second one is lost.
    private bool LoseDisk(SimNode node, long end)
    {
        // The only node of VIEW, made anew, has nobody to ask and begins another cluster; see docs/bugs-found.md.
        if (_cluster.Provisional.Members is [var only] && only.Equals(node.Address)) return false;
        // With two acceptors, what one of them alone has learned is lost with its disk: the other cannot tell, and no quorum is left that could.
        if (_cluster.History.HeldBy(node.Identity) is { Acceptors.Length: <= 2 } held && !_cluster.Nodes.Any(other => other != node && _cluster.History.HeldBy(other.Identity)?.Epoch >= held.Epoch))
            return false;
        if (node.Shard is { } shard)
        {
            if (node.Disk.Durable.Vector.IsEmpty || _cluster.MembersOf(shard).All(member => member == node) || !MayBeLost(node, shard)) return false;
            _cluster.Log($"FAULT {node.Address} loses its disk, and with it {_departures.Lose(node).Count} writes that nobody else has");
        }
        else
        {
            if (!node.IsProvisioned || !_cluster.Topology.IsMember(node.Identity) || _unassignedLostDisk || !LeavesOneWhoKnows(node)) return false;
            _unassignedLostDisk = true;
            _cluster.Log($"FAULT {node.Address}, which replicates nothing, loses its disk");
        }

        node.Kill(losesPower: true);
        node.LoseDisk();
        node.MayStartAt = end;
        Calm.Disturb(node.Address, end);
        Kills.Add((node, _scheduler.Now));
        return true;
    }

    // Shards that were resharded have all lost what any of them has.
    private bool MayBeLost(SimNode node, ShardId shard)
    {
        if (!LeavesOneWhoKnows(node)) return false;
        var isFirst = _shardsThatLostDisks.Count == 0;
        var isFirstOfShard = _shardsThatLostDisks.Add(shard);
        return isFirst || (_cluster.Topology is { Layout: 0, Transition: null } ? isFirstOfShard : _departures.OnlyAt(node).Count == 0);
    }

    // Who is to recover a lost quorum must be left, and know what the quorum decided last; whether it replicates anything or not.
    private bool LeavesOneWhoKnows(SimNode node) => !_cluster.Topology.IsSealed || _cluster.Members.Any(other => other != node && IsIntact(other));

    private bool IsIntact(SimNode node) =>
        _cluster.Topology.IsMember(node.Identity) && _cluster.History.HeldBy(node.Identity)?.Epoch >= _cluster.Topology.Epoch;

    private bool DisturbNetwork(Fault fault, Random random, SimNode node, long end)
    {
        if (_cluster.Nodes.Count < 2) return false;
        NodeAddress[] all = [.. _cluster.Nodes.Select(each => each.Address)];
        random.Shuffle(all);
        var (one, other) = (all[0], all[1]);
        var first = all.Take(random.Next(1, all.Length)).ToList();
        var settled = end + (4 * Second.Ticks);
        switch (fault.Kind)
        {
            case FaultKind.Partition:
                return Cut(fault, settled, first.SelectMany(a => all.Except(first), (a, b) => (a, b)).SelectMany(BothWays));
            case FaultKind.Isolation:
                return Cut(fault, settled, all.Skip(1).Select(b => (one, b)).SelectMany(BothWays));
            case FaultKind.OneWayCut:
                return Cut(fault, settled, [(one, other)]);
            case FaultKind.Bridge:
                if (all.Length < 3) return false;
                var half = all.Skip(1).Take((all.Length - 1) / 2).ToList();
                return Cut(fault, settled, half.SelectMany(_ => all.Skip(1).Except(half), (a, b) => (a, b)).SelectMany(BothWays));
            case FaultKind.SlowLink:
                var slow = _cluster.Network[one, other];
                slow.Slowness = TimeSpan.FromMilliseconds(random.Next(5, 1500));
                _cluster.Log($"FAULT {one} -> {other} takes {slow.Slowness.TotalMilliseconds} ms");
                Calm.Disturb(one, other, settled);
                Until(fault.Duration, () => slow.Slowness = TimeSpan.Zero);
                return true;
            case FaultKind.LossyLink:
                var lossy = _cluster.Network[one, other];
                lossy.Loss = random.NextDouble() * 0.5;
                _cluster.Log($"FAULT {one} -> {other} loses {lossy.Loss:P0}");
                Calm.Disturb(one, other, settled + (4 * Second.Ticks));
                Until(fault.Duration, () => lossy.Loss = 0);
                return true;
            default:
                Calm.Disturb(one, other, _scheduler.Now + Second.Ticks);
                _cluster.Log($"FAULT connections of {one} and {other} break");
                return _cluster.Network.BreakConnections(one, other, "connection reset") + _cluster.Network.BreakConnections(other, one, "connection reset") > 0;
        }
    }

    private bool Cut(Fault fault, long settled, IEnumerable<(NodeAddress From, NodeAddress To)> which)
    {
        var cuts = which.ToList();
        _cluster.Log($"FAULT {fault.Kind}: {string.Join(", ", cuts.Select(c => $"{c.From} -x-> {c.To}"))}");
        foreach (var (from, to) in cuts)
        {
            _cluster.Network.Cut(from, to);
            Calm.Disturb(from, to, settled);
        }

        Until(fault.Duration, () =>
        {
            foreach (var (from, to) in cuts) _cluster.Network.Heal(from, to);
        });
        return true;
    }

    private static IEnumerable<(NodeAddress, NodeAddress)> BothWays((NodeAddress One, NodeAddress Other) pair) => [pair, (pair.Other, pair.One)];

    private void Until(TimeSpan duration, Action end) => _scheduler.After(duration, () =>
    {
        if (!_isOver) end();
    });
}
