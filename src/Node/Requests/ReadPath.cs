using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Replica;

namespace Kv.Node.Requests;

/// <summary>GET, from command to outcome. Reads never pass through the writer.</summary>
internal sealed class ReadPath(
    NodeIdentity self,
    TopologyLook look,
    Forwarder forwarder,
    CausalGate gate,
    ReplicaState replica,
    Stability stability,
    ClientActivity clients)
{
    public async ValueTask<Outcome> ReadAsync(GetCommand command, RequestOrigin origin)
    {
        clients.Serve();
        var epoch = command.Token.Token.Epoch > origin.Epoch ? command.Token.Token.Epoch : origin.Epoch;
        while (true)
        {
            // One look at the topology decides the route. Whoever knows of a newer one says so, and it is looked at again.
            if (await look.AtAsync(epoch, origin.PastDeadline) is not { } view) return new Outcome.NotOwner(epoch);
            var outcome = await ReadAsync(command, origin, view);
            if (!origin.MayForward || outcome is not Outcome.NotOwner(var newer) || newer <= view.Epoch) return outcome;
            epoch = newer;
        }
    }

    private async ValueTask<Outcome> ReadAsync(GetCommand command, RequestOrigin origin, ClusterTopology view)
    {
        // 1. Somewhere else, unless this node serves the key's shard.
        var shard = view.ShardOf(command.Key);
        if (!view.PlaceOf(self).Serves(shard.Id)) return origin.MayForward ? await forwarder.ForwardAsync(shard, view, command, origin) : new Outcome.NotOwner(view.Epoch);
        if (origin.MayForward && !gate.IsOpenTo(command.Token.Token) && await forwarder.TryForwardAsync(shard, view, command, origin) is { } handedOver) return handedOver;

        // 2. The client's past must be here.
        var past = command.Token.Token;
        if (await gate.PassAsync(view, shard.Id, past, origin.PastDeadline) is { } notYet) return notYet;

        // 3. A point read, if the ranges were not given up meanwhile. The client's past now includes that of what it read, deletions too.
        var record = replica.Read(command.Key);
        if (!gate.IsStill(view.GroupOf(shard.Id))) return new Outcome.NotOwner(look.Newest);
        if (record is null or { IsTombstone: true }) return new Outcome.Absent(stability.SealAfterReading(past, record), shard.Id);
        return new Outcome.Found(record.Value, stability.SealAfterReading(past, record), record.Token, shard.Id);
    }
}
