using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Topology;
using Kv.Node.Peers;
using Kv.Node.Replica;
using Kv.Node.Signals;
using Kv.Node.Topology;

namespace Kv.Node.Requests;

/// <summary>What an operator asks of the cluster's membership, from request to outcome; any node can be asked.</summary>
internal sealed class MembershipChanges(
    NodeIdentity self,
    Published<ClusterTopology> topology,
    Published<MembershipView> membership,
    ReplicaState replica,
    TopologyChanges changes,
    IPeerTransport transport,
    Witnesses witnesses,
    TimeProvider time,
    TopologyOptions options)
{
    /// <summary>
    /// Lets the node at <paramref name="address"/> in. 1. Ask who is there. 2. Have it admitted. 3. Wait until this node sees it.
    /// </summary>
    public async Task<MembershipOutcome> AddAsync(NodeAddress address, CancellationToken cancellation)
    {
        if (await WhoIsAtAsync(address, cancellation) is not { } node) return new MembershipOutcome.NobodyAnswers(address);
        var wasLive = membership.Current.IsLive(address);
        var admitted = await changes.ChangeAsync(new TopologyChange.Admit(changes.NewOperation(), new(node.Address, node.Incarnation)), cancellation);
        if (admitted is not ChangeOutcome.Done done) return MembershipOutcome.Of(admitted);
        if (wasLive && !done.Changed) return new MembershipOutcome.AlreadySo();
        return await WithinAsync<MembershipOutcome>(
            options.ChangeTimeout,
            async stop =>
            {
                await membership.WaitAsync(view => view.IsLive(address), stop);
                return new MembershipOutcome.Done();
            },
            new MembershipOutcome.NobodyAnswers(address),
            cancellation);
    }

    /// <summary>
    /// Lets a node go. 1. It leaves: it serves no more. 2. It hands over what only it holds; one that is dead has nothing to hand over. 3. It is removed; one that is back from the dead by
    /// then hands over first.
    /// </summary>
    public async Task<MembershipOutcome> RemoveAsync(NodeAddress address, CancellationToken cancellation)
    {
        if (topology.Current.ShardOf(address) is { } served && !served.Members.Any(member => !member.Equals(address) && membership.Current.IsLive(member)))
            return new MembershipOutcome.Refused(ChangeRefusal.LastReplica);
        var leaving = await changes.ChangeAsync(new TopologyChange.Leave(changes.NewOperation(), address), cancellation);
        if (leaving is not ChangeOutcome.Done left) return MembershipOutcome.Of(leaving);
        var since = time.GetTimestamp();
        while (true)
        {
            var parting = await PartingAsync(left.Topology, address, options.HandOverTimeout - time.GetElapsedTime(since), cancellation);
            if (parting is Parting.Late) return new MembershipOutcome.StillHandingOver(address);
            var parted = time.GetTimestamp();
            var removed = await changes.ChangeAsync(
                new TopologyChange.Remove(changes.NewOperation(), address), () => parting is Parting.HandedOver || (IsDead(membership.Current, address) && IsFresh(parted)), cancellation);
            if (removed is not ChangeOutcome.Withdrawn) return MembershipOutcome.Of(removed);
        }
    }

    /// <summary>
    /// Removes a node that is dead, as long as <paramref name="isDead"/> says so, which is asked as late as can be. It has nothing to hand over, so it does not leave first: in one change it is
    /// removed or keeps its place, and whoever stops in the middle of it leaves nothing half done.
    /// </summary>
    public async Task<MembershipOutcome> RemoveDeadAsync(NodeAddress address, Func<bool> isDead, CancellationToken cancellation) =>
        MembershipOutcome.Of(await changes.ChangeAsync(new TopologyChange.Remove(changes.NewOperation(), address), isDead, cancellation));

    /// <summary>
    /// Has a member replicate a shard. 1. It joins: writes are sent to it from now on. 2. It gets what was there before, while the shard serves.
    /// 3. It becomes a member of the shard by its own wish, when it holds everything; the call completes then.
    /// </summary>
    public async Task<MembershipOutcome> AddReplicaAsync(ShardId shard, NodeAddress address, CancellationToken cancellation)
    {
        // A node that somebody else let in a moment ago may not have been heard here yet.
        if (!await WithinAsync(options.AnswerTimeout, stop => IsSeenAsync(address, stop), false, cancellation)) return new MembershipOutcome.Refused(ChangeRefusal.NotMember);
        var joining = await changes.ChangeAsync(new TopologyChange.AddReplica(changes.NewOperation(), shard, address), cancellation);
        if (joining is not ChangeOutcome.Done) return MembershipOutcome.Of(joining);
        // What it was given stays, whatever ends the wait; asked again, it goes on from there.
        return await WithinAsync(options.FillTimeout, stop => EndOfJoiningAsync(shard, address, stop), new MembershipOutcome.StillJoining(address), cancellation);
    }

    private async Task<bool> IsSeenAsync(NodeAddress address, CancellationToken cancellation)
    {
        await membership.WaitAsync(view => view.IsLive(address), cancellation);
        return true;
    }

    // It serves, or was removed meanwhile, or is dead.
    private async Task<MembershipOutcome> EndOfJoiningAsync(ShardId shard, NodeAddress address, CancellationToken cancellation)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var placed = topology.WaitAsync(next => next.ReplicatedBy(address)?.Id != shard || next.Find(shard)?.Includes(address) == true, either.Token).AsTask();
        var dies = membership.WaitAsync(view => view.Find(address) is { State: PeerState.Dead }, either.Token).AsTask();
        var first = await Task.WhenAny(placed, dies);
        either.Cancel();
        await (Task)first;
        if (first == dies) return new MembershipOutcome.NobodyAnswers(address);
        var ended = await placed;
        if (ended.Find(shard)?.Includes(address) == true) return new MembershipOutcome.Done();
        // A reshard may have placed it elsewhere meanwhile.
        return new MembershipOutcome.Refused(ended.ReplicatedBy(address) is null ? ChangeRefusal.NotMember : ChangeRefusal.ServesAnotherShard);
    }

    private async Task<Parting> PartingAsync(ClusterTopology left, NodeAddress address, TimeSpan bound, CancellationToken cancellation)
    {
        if (bound <= TimeSpan.Zero) return Parting.Late;
        return await WithinAsync(
            bound,
            async stop =>
            {
                while (true)
                {
                    var view = await membership.WaitAsync(view => IsDead(view, address) || IsCovered(view, address, left.ReplicatedBy(address), left.Epoch), stop);
                    if (!IsDead(view, address)) return Parting.HandedOver;
                    if (await witnesses.HoldGoneAsync(address, stop)) return Parting.Dead;
                    await Task.Delay(options.ReviewInterval, time, stop);
                }
            },
            Parting.Late,
            cancellation);
    }

    // What witnesses said before a vote was long in coming may have been said during a partition that has ended.
    private bool IsFresh(long testimony) => time.GetElapsedTime(testimony) <= options.AnswerTimeout;

    private static bool IsDead(MembershipView view, NodeAddress address) => view.Find(address) is { State: PeerState.Dead };

    // What a leaving node says it holds counts only once it acts on a topology in which it takes no more writes.
    private bool IsCovered(MembershipView view, NodeAddress address, ShardMembers? shard, Epoch epoch)
    {
        var held = replica.Snapshot.Current.Vector;
        if (address.Equals(self.Address) && !replica.Snapshot.Current.Former.IsEmpty) return false;
        if (!address.Equals(self.Address))
        {
            // One that was never heard here may well be at work; one that came back without its data has nothing to give.
            if (view.Find(address) is not { State: not PeerState.Unknown } leaver) return false;
            if (!leaver.IsMember) return true;
            if (leaver.Epoch < epoch || leaver.Owes) return false;
            held = leaver.Vector;
        }

        if (shard is null) return true;
        // By all who are there: one alone might be lost the next moment, and with it what was acknowledged by two.
        var remaining = shard.Members.Where(member => view.Find(member) is not { State: PeerState.Dead }).ToList();
        return remaining.Count > 0 && remaining.TrueForAll(member => member.Equals(self.Address)
            ? replica.Snapshot.Current.Vector.Covers(held)
            : view.IsReachable(member) && view.Find(member)!.Vector.Covers(held));
    }

    private async Task<NodeIdentity?> WhoIsAtAsync(NodeAddress address, CancellationToken cancellation)
    {
        try
        {
            return await WithinAsync(
                options.AnswerTimeout,
                async stop => (await transport.CallAsync(address, new ControlRequest.Read(), stop) as ControlReply.Holds)?.From,
                null,
                cancellation) is { } from && from.Address.Equals(address) ? from : null;
        }
        catch (PeerUnavailableException)
        {
            return null;
        }
    }

    private async Task<T> WithinAsync<T>(TimeSpan bound, Func<CancellationToken, Task<T>> work, T late, CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(bound, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timeout.Token);
        try
        {
            return await work(either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return late;
        }
    }

    /// <summary>What came of waiting for a node that leaves.</summary>
    private enum Parting
    {
        Late,
        HandedOver,
        Dead,
    }
}
