using Kv.Common.Identity;
using Kv.Common.Topology;
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
    ClientActivity clients,
    RequestBudget budget,
    TimeProvider time,
    RequestOptions options)
{
    public async ValueTask<Outcome> WriteAsync(WriteCommand command, RequestOrigin origin)
    {
        clients.Serve();
        var epoch = command.Token.Token.Epoch > origin.Epoch ? command.Token.Token.Epoch : origin.Epoch;
        while (true)
        {
            // One look at the topology decides the route. Whoever knows of a newer one says so, and has written nothing; it is looked at again.
            if (await look.AtAsync(epoch, origin.PastDeadline) is not { } view) return new Outcome.NotOwner(epoch);
            var outcome = await WriteAsync(command, origin, view);
            if (!origin.MayForward || outcome is not Outcome.NotOwner(var newer) || newer <= view.Epoch) return outcome;
            epoch = newer;
        }
    }

    private async ValueTask<Outcome> WriteAsync(WriteCommand command, RequestOrigin origin, ClusterTopology view)
    {
        // 1. Somewhere else, unless this node serves the key's shard.
        var shard = view.ShardOf(command.Key);
        if (!view.PlaceOf(self).Serves(shard.Id)) return origin.MayForward ? await forwarder.ForwardAsync(shard, view, command, origin) : new Outcome.NotOwner(view.Epoch);
        if (origin.MayForward && !gate.IsOpenTo(command.Token.Token) && await forwarder.TryForwardAsync(shard, view, command, origin) is { } handedOver) return handedOver;

        // 2. The client's past must be here, and the write concern within reach, before anything is written. One that is not content with who can be reached
        // may wait long, before and after.
        using var patience = command.Concern is WriteConcernLevel.Majority or WriteConcernLevel.All ? budget.TryWait() : Place.Free;
        if (!patience.IsHeld) return new Outcome.Overloaded();
        if (await gate.PassAsync(view, shard.Id, command.Token.Token, origin.PastDeadline) is { } notYet) return notYet;
        var concernDeadline = Deadline.In(options.WriteConcernWait, time).Earlier(origin.Deadline);
        if (await concern.UntilReachableAsync(shard, command.Concern, concernDeadline) is { } outOfReach) return outOfReach;

        // 3. The single writer stamps, numbers and persists it.
        var past = stability.Prune(command.Token.Token);
        var write = new LocalWrite(command.Key, command is PutCommand put ? put.Value : default, command is DeleteCommand, past);
        switch (await replica.CommitAsync(write))
        {
            case CommitResult.Committed committed:
                // 4. Enough replicas hold it durably.
                // Zero would say that nothing was written, and this node, if it has just left the shard, does not count itself.
                var (satisfied, required, replicas) = await concern.WaitAsync(committed.Record, command.Concern, concernDeadline);
                return satisfied
                    ? new Outcome.Stored(write.IsDeletion, committed.Replaced, committed.Record.Token, shard.Id, replicas)
                    : new Outcome.WriteConcernNotMet(shard.Id, required, Math.Max(1, replicas));
            case CommitResult.NothingToDelete nothing:
                return new Outcome.Absent(stability.SealAfterReading(command.Token.Token, nothing.Incumbent), shard.Id);
            case CommitResult.ClockSkew skew:
                return new Outcome.ClockSkew(skew.AheadMs);
            case CommitResult.DiskFull:
                return new Outcome.InsufficientStorage(shard.Id);
            case CommitResult.Overloaded:
                return new Outcome.Overloaded();
            case CommitResult.NotOwner other:
                // The topology changed on the way, and nothing was written.
                return new Outcome.NotOwner(other.Epoch);
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }
}
