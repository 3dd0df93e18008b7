using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Time;
using Kv.Common.Topology;
using Kv.Node.Replica;
using Kv.Node.Storage;

namespace Kv.Node.Requests;

/// <summary>
/// Exact key counts. A replica's own count is exact for what it holds; so that the answer includes every write acknowledged before the question,
/// the live replicas are asked what they hold, and the one that is to answer first catches up with all of them.
/// </summary>
internal sealed class KeyCounts(
    NodeIdentity self,
    TopologyLook look,
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
        var deadline = Deadline.In(options.CausalWait, time);
        var epoch = command.Token.Token.Epoch;
        while (true)
        {
            if (await look.AtAsync(epoch, deadline) is not { } view) return new Outcome.NotOwner(epoch);
            var outcome = view.Find(command.Shard) is { } shard ? await CountAsync(command, shard, view, deadline) : new Outcome.NotOwner(view.Epoch);
            if (outcome is not Outcome.NotOwner(var newer) || newer <= view.Epoch) return outcome;
            epoch = newer;
        }
    }

    /// <summary>Counts what this replica holds, once it holds the token's past. Whatever is written here and is not in the answer is later than the token, unless the writer stands still or the token is far ahead.</summary>
    public async ValueTask<Outcome> CountHereAsync(CountKeysCommand command, RequestOrigin origin)
    {
        if (await look.AtAsync(origin.Epoch, origin.PastDeadline) is not { } view) return new Outcome.NotOwner(origin.Epoch);
        if (!view.PlaceOf(self).Serves(command.Shard)) return new Outcome.NotOwner(view.Epoch);
        if (await gate.PassAsync(view, command.Shard, command.Token.Token, origin.PastDeadline) is { } notYet) return notYet;
        await MeetAsync(command.Token.Token.Stamp);
        var snapshot = replica.Snapshot.Current;
        if (snapshot.Place != view.GroupOf(command.Shard)) return new Outcome.NotOwner(look.Newest);
        return new Outcome.Counted(snapshot.LiveKeys, snapshot.Vector, view.GroupOf(command.Shard), view.Epoch);
    }

    // Reads go on when the writer does not, and the count is right without it: a backup, which this is for, begins anew when it finds out.
    private async ValueTask MeetAsync(HybridTimestamp stamp)
    {
        if (replica.Room is StorageRoom.None) return;
        try
        {
            await replica.MeetAsync(stamp).AsTask().WaitAsync(options.AskAfter, time);
        }
        catch (TimeoutException)
        {
        }
    }

    private async ValueTask<Outcome> CountAsync(CountKeysCommand command, ShardMembers shard, ClusterTopology view, Deadline deadline)
    {
        // 1. What do the replicas hold?
        // Half of the time, so that one replica that hangs leaves the other half to those that do not.
        var firstDeadline = Deadline.In(options.CausalWait / 2, time);
        var answers = await Task.WhenAll(shard.Members.Select(member => AskAsync(member, shard, view, command, firstDeadline).AsTask()));
        // Somebody's shard of that id is one of a later layout by now.
        if (answers.FirstOrDefault(answer => answer is Outcome.NotOwner(var newer) && newer > view.Epoch) is { } moved) return moved;
        var counted = answers.OfType<Outcome.Counted>().ToList();
        if (counted.Count == 0) return answers.FirstOrDefault(a => a is not null) ?? new Outcome.ShardUnavailable(shard.Id, MayHaveBeenWritten: false);
        var everything = counted.Aggregate(VersionVector.Empty, (joined, answer) => joined.Join(answer.Vector));

        // 2. One that holds everything has the answer; otherwise the first one to catch up with it.
        if (counted.Find(answer => answer.Vector.Equals(everything)) is { } complete) return complete;
        var token = command.Token.Token.Join(new(view.Epoch, default, everything));
        var second = command with { Token = new(token, tokens.Seal(token)) };
        foreach (var member in shard.Members)
        {
            if (await AskAsync(member, shard, view, second, deadline) is Outcome.Counted answer) return answer;
        }

        return new Outcome.DependenciesMissing(shard.Id, everything);
    }

    private async ValueTask<Outcome?> AskAsync(NodeAddress member, ShardMembers shard, ClusterTopology view, CountKeysCommand command, Deadline deadline)
    {
        var answer = await AnswerOfAsync(member, shard, view, command, deadline);
        return answer is Outcome.Counted counted && counted.Group != view.GroupOf(shard.Id) ? new Outcome.NotOwner(counted.Epoch) : answer;
    }

    private async ValueTask<Outcome?> AnswerOfAsync(NodeAddress member, ShardMembers shard, ClusterTopology view, CountKeysCommand command, Deadline deadline)
    {
        if (member.Equals(self.Address)) return await CountHereAsync(command, new(MayForward: false, deadline, deadline, view.Epoch));
        if (!forwarder.IsWorthAsking(member)) return null;
        return await forwarder.SendAsync(member, shard.Id, view.Epoch, command, deadline) is LaneReply.Answered answered ? answered.Outcome : null;
    }
}
