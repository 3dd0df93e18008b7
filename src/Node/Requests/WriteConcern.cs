using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Replication;
using Kv.Common.Topology;
using Kv.Node.Replica;
using Kv.Node.Signals;
using Kv.Node.Telemetry;

namespace Kv.Node.Requests;

/// <summary>
/// Counts on how many replicas this node's own writes are durable, and completes writers when there are enough. Whose word counts depends on the key: that of
/// its shard's members, by the topology at the moment of counting; while a reshard is under way a majority of those who are to own the key, are filled and are
/// sent this node's writes, must hold it too, so that it is with its owners when the reshard is committed. Own writes are numbered without gaps and
/// acknowledged cumulatively, so among writers with the same owners the first is the first to be satisfied.
/// </summary>
internal sealed class WriteConcern : IDurabilityObserver
{
    private readonly NodeIdentity _self;
    private readonly Published<ClusterTopology> _topology;
    private readonly Published<MembershipView> _membership;
    private readonly TimeProvider _time;
    private readonly Deadline _allHeard;
    private readonly Lock _gate = new();
    private readonly Dictionary<NodeAddress, Acknowledged> _acknowledged = [];
    private readonly Dictionary<Owners, PriorityQueue<Waiter, ulong>> _waiters = [];
    private ClusterTopology _sortedBy;

    public WriteConcern(
        NodeIdentity self, Published<ClusterTopology> topology, Published<MembershipView> membership, TimeProvider time, RequestOptions options)
    {
        _allHeard = Deadline.In(options.FirstHearing, time);
        _self = self;
        _topology = topology;
        _sortedBy = topology.Current;
        _membership = membership;
        _time = time;
    }

    void IDurabilityObserver.Acknowledged(NodeAddress peer, Incarnation incarnation, VersionVector vector)
    {
        lock (_gate)
        {
            // A re-created peer is another incarnation: what the lost one held is not held by this one. And what a stream begins with is all that its peer holds: it may
            // have given up since what it was sent for a reshard, and what was left out for that one is asked for by the next.
            _acknowledged[peer] = new(
                incarnation, _acknowledged.TryGetValue(peer, out var known) && known.IsOpen && known.Incarnation == incarnation ? known.Vector.Join(vector) : vector, IsOpen: true);
            if (KvTracing.IsOn) TellSpans(peer, vector);
            CompleteSatisfied();
        }
    }

    void IDurabilityObserver.Lost(NodeAddress peer)
    {
        lock (_gate)
        {
            if (!_acknowledged.TryGetValue(peer, out var known)) return;
            _acknowledged[peer] = known with { IsOpen = false };
            CompleteSatisfied();
        }
    }

    /// <summary>
    /// Completes when enough members are reachable for <paramref name="level"/> to be met at all, so that a write which cannot succeed is not made;
    /// null then, else the outcome at the deadline.
    /// </summary>
    public ValueTask<Outcome?> UntilReachableAsync(ShardMembers shard, WriteConcernLevel level, Deadline deadline) =>
        level is WriteConcernLevel.Default or WriteConcernLevel.Local ? default : WaitUntilReachableAsync(shard, level, deadline);

    /// <summary>
    /// Completes when this node's own write <paramref name="record"/>, durable here already, is durable on as many members as <paramref name="level"/> asks
    /// for, or at the deadline; says on how many it is.
    /// </summary>
    public ValueTask<(bool Satisfied, int Required, int Replicas)> WaitAsync(WriteRecord record, WriteConcernLevel level, Deadline deadline)
    {
        lock (_gate)
        {
            FollowTopology();
            var owners = OwnersOf(record.Key, record.Dot, level);
            var (satisfied, required, holding) = Judge(owners, record.Dot);
            var span = BeginSpan(record.Dot);
            if (satisfied)
            {
                span?.End(true, required, holding);
                return new((true, required, holding));
            }

            var waiter = new Waiter(record.Dot, record.Key, deadline, span);
            Enqueue(owners, waiter);
            return span is null ? new(waiter.Completion.Task) : EndAsync(span, waiter.Completion.Task);
        }
    }

    /// <summary>True when a member of the shard that <paramref name="counts"/> holds this node's own writes up to <paramref name="dot"/> durably.</summary>
    public bool IsHeldBy(Func<NodeAddress, bool> counts, Dot dot, ShardMembers shard)
    {
        lock (_gate)
        {
            FollowTopology();
            return shard.Members.Any(member => counts(member) && Holds(member, dot, _membership.Current, dot.Origin.Group));
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

    private async ValueTask<Outcome?> WaitUntilReachableAsync(ShardMembers shard, WriteConcernLevel level, Deadline deadline)
    {
        var required = Required(level, shard);
        if (Reachable(_membership.Current, shard) >= required) return null;
        using var timeout = new CancellationTokenSource(deadline.Remaining(_time), _time);
        try
        {
            await _membership.WaitAsync(view => Reachable(view, shard) >= required, timeout.Token);
            return null;
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            return new Outcome.WriteConcernNotMet(shard.Id, required, 0);
        }
    }

    private ReplicationSpan? BeginSpan(Dot dot)
    {
        if (ReplicationSpan.Begin() is not { } span) return null;
        foreach (var (peer, known) in _acknowledged)
        {
            if (known.Vector.Covers(dot)) span.Acknowledged(peer);
        }

        return span;
    }

    private void TellSpans(NodeAddress peer, VersionVector vector)
    {
        foreach (var waiter in _waiters.Values.SelectMany(queue => queue.UnorderedItems).Select(item => item.Element))
        {
            if (vector.Covers(waiter.Dot)) waiter.Span?.Acknowledged(peer);
        }
    }

    private static async ValueTask<(bool Satisfied, int Required, int Replicas)> EndAsync(ReplicationSpan span, Task<(bool Satisfied, int Required, int Replicas)> waiting)
    {
        var (satisfied, required, replicas) = await waiting;
        span.End(satisfied, required, replicas);
        return (satisfied, required, replicas);
    }

    // Who owns a key may have changed for everybody who waits.
    private void FollowTopology()
    {
        var topology = _topology.Current;
        if (ReferenceEquals(topology, _sortedBy)) return;
        _sortedBy = topology;
        var all = _waiters.SelectMany(queue => queue.Value.UnorderedItems.Select(item => (queue.Key.Level, Waiter: item.Element))).ToList();
        _waiters.Clear();
        foreach (var (level, waiter) in all) Enqueue(OwnersOf(waiter.Key, waiter.Dot, level), waiter);
    }

    private Owners OwnersOf(Key key, Dot dot, WriteConcernLevel level) => new(level, dot.Origin.Group, _sortedBy.ShardOf(key).Id, _sortedBy.Transition?.ShardOf(key).Id);

    private void Enqueue(Owners owners, Waiter waiter)
    {
        if (!_waiters.TryGetValue(owners, out var queue)) _waiters[owners] = queue = new();
        queue.Enqueue(waiter, waiter.Dot.Sequence);
    }

    private void CompleteSatisfied()
    {
        if (_waiters.Count == 0) return;
        FollowTopology();
        foreach (var (owners, queue) in _waiters)
        {
            while (queue.TryPeek(out var waiter, out _))
            {
                var (satisfied, required, holding) = Judge(owners, waiter.Dot);
                if (!satisfied) break;
                queue.Dequeue();
                waiter.Completion.TrySetResult((true, required, holding));
            }
        }
    }

    private void ExpireOverdue()
    {
        foreach (var (owners, queue) in _waiters)
        {
            // Deadlines follow sequences closely enough: the head's is the first to pass, give or take a tick.
            while (queue.TryPeek(out var waiter, out _) && waiter.Deadline.Remaining(_time) == TimeSpan.Zero)
            {
                queue.Dequeue();
                var (_, required, holding) = Judge(owners, waiter.Dot);
                waiter.Completion.TrySetResult((false, required, holding));
            }
        }
    }

    private (bool Satisfied, int Required, int Holding) Judge(Owners owners, Dot dot)
    {
        var shard = _sortedBy.Find(owners.Now)!;
        var required = Required(owners.Level, shard);
        var holding = Holding(dot, shard);
        return (holding >= required && IsWithNextOwners(owners, dot), required, holding);
    }

    private bool IsWithNextOwners(Owners owners, Dot dot)
    {
        if (owners is { Level: WriteConcernLevel.Local } or { Next: null } || _sortedBy.Transition?.Find(owners.Next!.Value) is not { } next) return true;
        var view = _membership.Current;
        var (asked, holding) = next.Includes(_self.Address) ? (1, 1) : (0, 0);
        foreach (var member in next.Members)
        {
            // Those who are still busy with what there was would only make the writer wait; what they lack at the commit they are sent after it.
            if (member.Equals(_self.Address) || !IsFilled(view, member, next) || !_acknowledged.TryGetValue(member, out var known) || !known.IsOpen) continue;
            asked++;
            if (known.Vector.Covers(dot)) holding++;
        }

        return owners.Level is WriteConcernLevel.All ? holding == asked : holding * 2 >= asked + (asked > 0 ? 1 : 0);
    }

    private bool IsFilled(MembershipView view, NodeAddress member, ShardMembers shard) =>
        view.IsReachable(member) && view.Find(member) is { Filling: { IsComplete: true } report } && report.Since == _sortedBy.Transition!.Begun && report.Target.Shard == shard.Id;

    // By its own acknowledgement; or by its beat, for another one may have brought it there.
    private int Holding(Dot dot, ShardMembers shard)
    {
        var view = _membership.Current;
        var group = _sortedBy.GroupOf(shard.Id);
        var holding = shard.Includes(_self.Address) ? 1 : 0;
        foreach (var member in shard.Members)
        {
            if (!member.Equals(_self.Address) && Holds(member, dot, view, group)) holding++;
        }

        return holding;
    }

    private bool Holds(NodeAddress member, Dot dot, MembershipView view, ReplicaGroup group) =>
        (_acknowledged.TryGetValue(member, out var known) && known.Vector.Covers(dot) && IsMember(member, known.Incarnation))
        || (view.Find(member) is { IsMember: true } peer && peer.Place == group && peer.Vector.Covers(dot));

    // What the former one at an address held is lost with it.
    private bool IsMember(NodeAddress member, Incarnation incarnation) => !_sortedBy.IsSealed || _sortedBy.IncarnationAt(member) == incarnation;

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

    private int Reachable(MembershipView view, ShardMembers shard)
    {
        var reachable = shard.Includes(_self.Address) ? 1 : 0;
        foreach (var member in shard.Members)
        {
            if (!member.Equals(_self.Address) && view.IsReachable(member)) reachable++;
        }

        return reachable;
    }

    /// <summary>What the writes of one queue have in common: what is asked for, the group in which they were made, who owns the key, and who is to.</summary>
    private readonly record struct Owners(WriteConcernLevel Level, ReplicaGroup Group, ShardId Now, ShardId? Next);

    /// <summary>What a peer holds, and whether it is being sent more.</summary>
    private sealed record Acknowledged(Incarnation Incarnation, VersionVector Vector, bool IsOpen);

    private sealed record Waiter(Dot Dot, Key Key, Deadline Deadline, ReplicationSpan? Span)
    {
        public TaskCompletionSource<(bool Satisfied, int Required, int Replicas)> Completion { get; } =
            new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
