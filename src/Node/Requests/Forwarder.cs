using System.Diagnostics;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Topology;
using Kv.Node.Signals;
using Kv.Node.Telemetry;

namespace Kv.Node.Requests;

/// <summary>
/// Hands a request to a live replica of its shard, and to the next one when the first is gone. A write that may have reached a replica is not sent to
/// another: applied twice, it could overwrite what came after it.
/// </summary>
internal sealed class Forwarder(
    NodeIdentity self, ForwardLanes lanes, Published<MembershipView> membership, TimeProvider time, RequestOptions options, KvMetrics metrics)
{
    private uint _turn;

    /// <summary>The outcome of a replica that took it, as long as the request has time left and a little longer, so that its own answer comes first.</summary>
    public ValueTask<Outcome> ForwardAsync(ShardMembers shard, ClusterTopology view, Command command, RequestOrigin origin) =>
        ForwardAsync(shard, view, command, origin.Deadline, options.ForwardingAllowance);

    private async ValueTask<Outcome> ForwardAsync(ShardMembers shard, ClusterTopology view, Command command, Deadline deadline, TimeSpan allowance)
    {
        var first = FirstChoice(shard, command);
        List<NodeAddress>? tried = null;
        var mayTryAgain = false;
        var isSecondRound = false;
        Outcome? refusal = null;
        while (true)
        {
            if (Best(shard, view, command, first, tried) is not { } replica)
            {
                if (refusal is not null) return refusal;
                // An attempt to connect that failed may have begun while the peer was still cut off; one that begins now tells. The request never left.
                if (!mayTryAgain || isSecondRound) return new Outcome.ShardUnavailable(shard.Id, MayHaveBeenWritten: false);
                isSecondRound = true;
                tried = null;
                continue;
            }

            switch (await SendAsync(replica, shard.Id, view.Epoch, command, deadline, allowance))
            {
                case LaneReply.NotSent:
                    mayTryAgain = true;
                    (tried ??= []).Add(replica);
                    continue;
                // It has moved on; whoever asked looks again.
                case LaneReply.Answered { Outcome: Outcome.NotOwner(var newer) moved } when newer > view.Epoch:
                    return moved;
                // Another one may have room on its disk; nothing was written.
                case LaneReply.Answered { Outcome: Outcome.InsufficientStorage full }:
                    refusal = full;
                    (tried ??= []).Add(replica);
                    continue;
                // Nothing was written here either. One other is tried and no more: where all are overloaded, asking each of them would be that much more load.
                case LaneReply.Answered { Outcome: Outcome.Overloaded } or LaneReply.Full when refusal is Outcome.Overloaded:
                    return refusal;
                case LaneReply.Answered { Outcome: Outcome.Overloaded } or LaneReply.Full:
                    refusal = new Outcome.Overloaded();
                    (tried ??= []).Add(replica);
                    continue;
                case LaneReply.Answered { Outcome: Outcome.NotOwner }:
                case LaneReply.Lost when command is not WriteCommand:
                    (tried ??= []).Add(replica);
                    continue;
                case LaneReply.Answered answered:
                    return answered.Outcome;
                case LaneReply.Lost:
                    return new Outcome.ShardUnavailable(shard.Id, MayHaveBeenWritten: true);
            }
        }
    }

    /// <summary>The same for a request that could be served here, but not yet; null when no other replica took it.</summary>
    public async ValueTask<Outcome?> TryForwardAsync(ShardMembers shard, ClusterTopology view, Command command, RequestOrigin origin) =>
        await ForwardAsync(shard, view, command, origin.Deadline, TimeSpan.Zero) switch
        {
            Outcome.ShardUnavailable { MayHaveBeenWritten: false } or Outcome.Overloaded or Outcome.InsufficientStorage => null,
            var outcome => outcome,
        };

    /// <summary>Asks one particular replica, which has until <paramref name="deadline"/>; its answer is waited for that much longer.</summary>
    public async ValueTask<LaneReply> SendAsync(NodeAddress replica, ShardId shard, Epoch epoch, Command command, Deadline deadline, TimeSpan allowance = default)
    {
        if (lanes.To(replica) is not { } lane) return LaneReply.NotSent.Instance;
        metrics.Forwarded(replica.ToString());
        var request = ToRequest(command, shard, epoch, deadline.Remaining(time));
        using var span = KvTracing.IsOn ? KvTracing.Forward(request.Operation.ToString()) : null;
        if (span is not null)
        {
            span.SetTag("kv.peer", replica.ToString()).SetTag("kv.shard", shard.ToString());
            request = request with { Trace = span.Context };
        }

        var reply = await lane.SendAsync(request, deadline.Later(allowance, time));
        // What answers another question is no answer, and nobody can say what became of this one.
        if (reply is LaneReply.Answered { Outcome: var outcome } && !IsAnswerTo(command, outcome)) reply = LaneReply.Lost.Instance;
        if (reply is LaneReply.Answered answered) span?.SetTag("kv.outcome", answered.Outcome.GetType().Name);
        else span?.Fail(reply.GetType().Name);
        return reply;
    }

    /// <summary>True unless the peer is held unreachable.</summary>
    public bool IsWorthAsking(NodeAddress peer)
    {
        var view = membership.Current;
        return view.Find(peer) is not { } known || known.State is PeerState.Unknown || view.IsReachable(peer);
    }

    // Reads go to the replicas in turn, so that load spreads. Writes of one node go to the same one while it can take them: what arrives together is
    // committed together, and three coordinators with a third of the writes each would sync and send three times as often.
    private int FirstChoice(ShardMembers shard, Command command)
    {
        var choice = command is WriteCommand ? self.Incarnation.Value : Interlocked.Increment(ref _turn);
        return (int)(choice % (ulong)shard.Members.Length);
    }

    // Ready replicas before others, among them those that answer in time, among either the ones known to hold the client's past, and among equals the next one after the first choice. A peer
    // never heard from comes last: while a cluster starts, it may well be there.
    private NodeAddress? Best(ShardMembers shard, ClusterTopology topology, Command command, int first, List<NodeAddress>? tried)
    {
        var view = membership.Current;
        var group = topology.GroupOf(shard.Id);
        var past = topology.Concerning(group, command.Token.Token.Dependencies);
        NodeAddress? best = null;
        var bestRank = int.MaxValue;
        for (var i = 0; i < shard.Members.Length && bestRank > 0; i++)
        {
            var member = shard.Members[(first + i) % shard.Members.Length];
            if (member.Equals(self.Address) || !IsWorthAsking(member) || tried?.Contains(member) == true) continue;
            var rank = view.Find(member) switch
            {
                { Ready: true } peer => (lanes.IsLate(member) ? 2 : 0) + (peer.Place == group && peer.Vector.Covers(past) ? 0 : 1),
                { State: PeerState.Alive } => 4,
                _ => 5,
            };
            if (rank < bestRank) (best, bestRank) = (member, rank);
        }

        return best;
    }

    private static bool IsAnswerTo(Command command, Outcome outcome) => outcome switch
    {
        Outcome.Stored => command is WriteCommand,
        Outcome.Found => command is GetCommand,
        Outcome.Absent => command is GetCommand or DeleteCommand,
        Outcome.Counted => command is CountKeysCommand,
        Outcome.Listed listed => command is ListCommand list && list.Listing.Admits(listed),
        _ => true,
    };

    private static ForwardRequest ToRequest(Command command, ShardId shard, Epoch epoch, TimeSpan timeout) => command switch
    {
        GetCommand get => new(0, epoch, ForwardedOperation.Get, get.Key, default, get.Token.Sealed, default, timeout, shard),
        PutCommand put => new(0, epoch, ForwardedOperation.Put, put.Key, put.Value, put.Token.Sealed, put.Concern, timeout, shard),
        DeleteCommand delete => new(0, epoch, ForwardedOperation.Delete, delete.Key, default, delete.Token.Sealed, delete.Concern, timeout, shard),
        CountKeysCommand count => new(0, epoch, ForwardedOperation.CountKeys, default, default, count.Token.Sealed, default, timeout, shard),
        ListCommand list => new(0, epoch, ForwardedOperation.List, default, default, list.Token.Sealed, default, timeout, shard) { Listing = list.Listing },
        _ => throw new UnreachableException(),
    };
}
