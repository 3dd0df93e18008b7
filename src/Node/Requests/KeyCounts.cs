using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Replica;
using Kv.Node.Signals;

namespace Kv.Node.Requests;

/// <summary>
/// Exact key counts. A replica's own count is exact for what it holds; so that the answer includes every write acknowledged before the question,
/// the live replicas are asked what they hold, and the one that is to answer first catches up with all of them.
/// </summary>
internal sealed class KeyCounts(
    NodeIdentity self,
    Published<ClusterTopology> topology,
    Forwarder forwarder,
    CausalGate gate,
    ReplicaState replica,
    CausalTokenCodec tokens,
    TimeProvider time,
    RequestOptions options)
{
    /// <summary>Counts a shard's live keys, from any node.</summary>
    public async ValueTask<Outcome> CountAsync(CountKeysCommand command)
    {
        var view = topology.Current;
        var shard = view.Find(command.Shard) ?? throw new ArgumentException($"No shard {command.Shard} at epoch {view.Epoch}.", nameof(command));
        var deadline = Deadline.In(options.CausalWait, time);

        // 1. What do the replicas hold?
        // Half of the time, so that one replica that hangs leaves the other half to those that do not.
        var firstDeadline = Deadline.In(options.CausalWait / 2, time);
        var answers = await Task.WhenAll(shard.Members.Select(member => AskAsync(member, shard, view.Epoch, command, firstDeadline).AsTask()));
        var counted = answers.OfType<Outcome.Counted>().ToList();
        if (counted.Count == 0) return answers.FirstOrDefault(a => a is not null) ?? new Outcome.ShardUnavailable(shard.Id, MayHaveBeenWritten: false);
        var everything = counted.Aggregate(VersionVector.Empty, (joined, answer) => joined.Join(answer.Vector));

        // 2. One that holds everything has the answer; otherwise the first one to catch up with it.
        if (counted.Find(answer => answer.Vector.Equals(everything)) is { } complete) return complete;
        var past = everything.Aggregate(Dependencies.None, (all, dot) => all.With(shard.Id, dot));
        var token = command.Token.Token.Join(new(view.Epoch, default, past));
        var second = command with { Token = new(token, tokens.Seal(token)) };
        foreach (var member in shard.Members)
        {
            if (await AskAsync(member, shard, view.Epoch, second, deadline) is Outcome.Counted answer) return answer;
        }

        return new Outcome.DependenciesMissing(shard.Id, everything);
    }

    /// <summary>Counts what this replica holds, once it holds the token's past.</summary>
    public async ValueTask<Outcome> CountHereAsync(CountKeysCommand command, RequestOrigin origin)
    {
        if (!replica.Place.Serves(command.Shard)) return new Outcome.NotOwner(topology.Current.Epoch);
        if (await gate.PassAsync(command.Shard, command.Token.Token, origin.PastDeadline) is { } notYet) return notYet;
        var snapshot = replica.Snapshot.Current;
        return new Outcome.Counted(snapshot.LiveKeys, snapshot.Vector);
    }

    private async ValueTask<Outcome?> AskAsync(NodeAddress member, ShardMembers shard, Epoch epoch, CountKeysCommand command, Deadline deadline)
    {
        if (member.Equals(self.Address)) return await CountHereAsync(command, new(MayForward: false, deadline, deadline));
        if (!forwarder.IsWorthAsking(member)) return null;
        return await forwarder.SendAsync(member, shard.Id, epoch, command, deadline) is LaneReply.Answered answered ? answered.Outcome : null;
    }
}
