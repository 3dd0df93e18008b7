using Kv.Common.Identity;
using Kv.Node.Replica;

namespace Kv.Node.Requests;

/// <summary>PUT and DELETE, from command to outcome, for requests that enter here and for those that other nodes forward.</summary>
internal sealed class WritePath(
    NodeIdentity self,
    TopologyLook look,
    Forwarder forwarder,
    CausalGate gate,
    WriteConcern concern,
    ReplicaState replica,
    Stability stability,
    TimeProvider time,
    RequestOptions options)
{
    public async ValueTask<Outcome> WriteAsync(WriteCommand command, RequestOrigin origin)
    {
        // 1. One look at the topology decides the route.
        if (await look.AtAsync(command.Token.Token, origin.PastDeadline) is not { } view) return new Outcome.NotOwner(command.Token.Token.Epoch);
        var shard = view.ShardOf(command.Key);
        if (!view.PlaceOf(self).Serves(shard.Id)) return origin.MayForward ? await forwarder.ForwardAsync(shard, view.Epoch, command, origin) : new Outcome.NotOwner(view.Epoch);
        if (origin.MayForward && !gate.IsOpenTo(command.Token.Token) && await forwarder.TryForwardAsync(shard, view.Epoch, command, origin) is { } handedOver) return handedOver;

        // 2. The client's past must be here, and the write concern within reach, before anything is written.
        if (await gate.PassAsync(shard.Id, command.Token.Token, origin.PastDeadline) is { } notYet) return notYet;
        var concernDeadline = Deadline.In(options.WriteConcernWait, time).Earlier(origin.Deadline);
        if (await concern.UntilReachableAsync(command.Concern, concernDeadline) is { } outOfReach) return outOfReach;

        // 3. The single writer stamps, numbers and persists it.
        var past = stability.Prune(command.Token.Token);
        var write = new LocalWrite(command.Key, command is PutCommand put ? put.Value : default, command is DeleteCommand, past);
        switch (await replica.CommitAsync(write))
        {
            case CommitResult.Committed committed:
                // 4. Enough replicas hold it durably.
                // Zero would say that nothing was written, and this node, if it has just left the shard, does not count itself.
                var (satisfied, required, replicas) = await concern.WaitAsync(committed.Record.Dot.Sequence, command.Concern, concernDeadline);
                return satisfied
                    ? new Outcome.Stored(write.IsDeletion, committed.Replaced, committed.Record.Token, shard.Id, replicas)
                    : new Outcome.WriteConcernNotMet(shard.Id, required, Math.Max(1, replicas));
            case CommitResult.NothingToDelete nothing:
                return new Outcome.Absent(stability.SealAfterReading(command.Token.Token, nothing.Incumbent), shard.Id);
            case CommitResult.ClockSkew skew:
                return new Outcome.ClockSkew(skew.AheadMs);
            case CommitResult.NotOwner other:
                // The topology changed on the way, and nothing was written.
                return origin.MayForward ? await forwarder.ForwardAsync(shard, other.Epoch, command, origin) : new Outcome.NotOwner(other.Epoch);
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }
}
