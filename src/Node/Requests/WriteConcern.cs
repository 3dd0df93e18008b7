using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Topology;
using Kv.Node.Replica;
using Kv.Node.Signals;

namespace Kv.Node.Requests;

/// <summary>
/// Counts on how many replicas this node's own writes are durable, and completes writers when there are enough. Own writes are numbered without gaps
/// and acknowledged cumulatively, so per level of concern there is one sequence up to which everything is satisfied.
/// </summary>
internal sealed class WriteConcern : IDurabilityObserver
{
    private readonly NodeIdentity _self;
    private readonly Published<ClusterTopology> _topology;
    private readonly Published<MembershipView> _membership;
    private readonly ReplicaState _replica;
    private readonly TimeProvider _time;
    private readonly Deadline _allHeard;
    private readonly Lock _gate = new();
    private readonly Dictionary<NodeAddress, (Incarnation Incarnation, ulong Sequence)> _acknowledged = [];
    private ShardMembers _shard;
    private readonly PriorityQueue<Waiter, ulong>[] _waiters = [new(), new(), new(), new()];

    public WriteConcern(
        NodeIdentity self, Published<ClusterTopology> topology, Published<MembershipView> membership, ReplicaState replica, TimeProvider time, RequestOptions options)
    {
        _allHeard = Deadline.In(options.FirstHearing, time);
        _self = self;
        _topology = topology;
        _shard = new(default, []);
        _membership = membership;
        _replica = replica;
        _time = time;
    }

    /// <summary>What a member of the shard says it holds durably of this node's writes; called by the replicator of that member.</summary>
    public void Acknowledged(NodeAddress member, Incarnation incarnation, ulong sequence)
    {
        lock (_gate)
        {
            // A re-created member is another incarnation: what the lost one held is not held by this one.
            if (_acknowledged.TryGetValue(member, out var known) && known.Incarnation == incarnation && known.Sequence >= sequence) return;
            _acknowledged[member] = (incarnation, sequence);
            CompleteSatisfied();
        }
    }

    /// <summary>
    /// Completes when enough members are reachable for <paramref name="level"/> to be met at all, so that a write which cannot succeed is not made;
    /// null then, else the outcome at the deadline.
    /// </summary>
    public ValueTask<Outcome?> UntilReachableAsync(WriteConcernLevel level, Deadline deadline) =>
        level is WriteConcernLevel.Default or WriteConcernLevel.Local ? default : WaitUntilReachableAsync(level, deadline);

    /// <summary>
    /// Completes when the own write <paramref name="sequence"/>, durable here already, is durable on as many members as <paramref name="level"/> asks
    /// for, or at the deadline; says on how many it is.
    /// </summary>
    public ValueTask<(bool Satisfied, int Required, int Replicas)> WaitAsync(ulong sequence, WriteConcernLevel level, Deadline deadline)
    {
        lock (_gate)
        {
            var members = Members();
            var required = Required(level, members);
            var holding = Holding(sequence, members);
            if (holding >= required) return new((true, required, holding));
            var waiter = new Waiter(sequence, deadline);
            _waiters[(int)level].Enqueue(waiter, sequence);
            return new(waiter.Completion.Task);
        }
    }

    /// <summary>Looks again when reachability or the topology changed, and ends waits whose deadline passed.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50), _time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellation))
            {
                lock (_gate)
                {
                    CompleteSatisfied();
                    ExpireOverdue();
                }
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
    }

    private async ValueTask<Outcome?> WaitUntilReachableAsync(WriteConcernLevel level, Deadline deadline)
    {
        var required = Required(level, Members());
        if (Reachable(_membership.Current) >= required) return null;
        using var timeout = new CancellationTokenSource(deadline.Remaining(_time), _time);
        try
        {
            await _membership.WaitAsync(view => Reachable(view) >= required, timeout.Token);
            return null;
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            return new Outcome.WriteConcernNotMet(_shard.Id, required, 0);
        }
    }

    private void CompleteSatisfied()
    {
        if (Array.TrueForAll(_waiters, queue => queue.Count == 0)) return;
        var members = Members();
        for (var level = 0; level < _waiters.Length; level++)
        {
            var queue = _waiters[level];
            if (queue.Count == 0) continue;
            var required = Required((WriteConcernLevel)level, members);
            while (queue.TryPeek(out var waiter, out var sequence))
            {
                var holding = Holding(sequence, members);
                if (holding < required) break;
                queue.Dequeue();
                waiter.Completion.TrySetResult((true, required, holding));
            }
        }
    }

    private void ExpireOverdue()
    {
        var members = Members();
        for (var level = 0; level < _waiters.Length; level++)
        {
            var queue = _waiters[level];
            // Deadlines follow sequences closely enough: the head's is the first to pass, give or take a tick.
            while (queue.TryPeek(out var waiter, out var sequence) && waiter.Deadline.Remaining(_time) == TimeSpan.Zero)
            {
                queue.Dequeue();
                waiter.Completion.TrySetResult((false, Required((WriteConcernLevel)level, members), Holding(sequence, members)));
            }
        }
    }

    // A node that was taken off its shard still counts for those who wait, as long as they do.
    private ShardMembers Members() => _replica.Place.Shard is { } shard ? _shard = shard : _shard;

    private int Holding(ulong sequence, ShardMembers shard)
    {
        var topology = _topology.Current;
        var holding = shard.Includes(_self.Address) ? 1 : 0;
        foreach (var member in shard.Members)
        {
            if (!member.Equals(_self.Address) && _acknowledged.TryGetValue(member, out var known) && known.Sequence >= sequence && IsMember(topology, member, known.Incarnation)) holding++;
        }

        return holding;
    }

    // What the former one at an address held is lost with it.
    private static bool IsMember(ClusterTopology topology, NodeAddress member, Incarnation incarnation) => !topology.IsSealed || topology.IncarnationAt(member) == incarnation;

    private int Required(WriteConcernLevel level, ShardMembers shard)
    {
        var majority = (shard.Members.Length / 2) + 1;
        return level switch
        {
            WriteConcernLevel.Local => 1,
            WriteConcernLevel.Default => Math.Max(1, Math.Min(majority, NotGone(_membership.Current, shard))),
            WriteConcernLevel.Majority => majority,
            WriteConcernLevel.All => shard.Members.Length,
            _ => throw new ArgumentOutOfRangeException(nameof(level), level, "Unknown write concern."),
        };
    }

    // Reachable, or not heard yet by a node that has only just started to listen.
    private int NotGone(MembershipView view, ShardMembers shard)
    {
        var listening = _allHeard.Remaining(_time) > TimeSpan.Zero;
        var notGone = shard.Includes(_self.Address) ? 1 : 0;
        foreach (var member in shard.Members)
        {
            if (member.Equals(_self.Address)) continue;
            if (view.IsReachable(member) || (listening && view.Find(member) is not { State: not PeerState.Unknown })) notGone++;
        }

        return notGone;
    }

    private int Reachable(MembershipView view)
    {
        var shard = Members();
        var reachable = shard.Includes(_self.Address) ? 1 : 0;
        foreach (var member in shard.Members)
        {
            if (!member.Equals(_self.Address) && view.IsReachable(member)) reachable++;
        }

        return reachable;
    }

    private sealed record Waiter(ulong Sequence, Deadline Deadline)
    {
        public TaskCompletionSource<(bool Satisfied, int Required, int Replicas)> Completion { get; } =
            new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
