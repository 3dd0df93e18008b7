using Kv.Common.Identity;
using Kv.Node.Replica;

namespace Kv.Node.Requests;

/// <summary>GET, from command to outcome. Reads never pass through the writer.</summary>
internal sealed class ReadPath(
    NodeIdentity self,
    TopologyLook look,
    Forwarder forwarder,
    CausalGate gate,
    ReplicaState replica,
    Stability stability)
{
    public async ValueTask<Outcome> ReadAsync(GetCommand command, RequestOrigin origin)
    {
        // 1. One look at the topology decides the route.
        if (await look.AtAsync(command.Token.Token, origin.PastDeadline) is not { } view) return new Outcome.NotOwner(command.Token.Token.Epoch);
        var shard = view.ShardOf(command.Key);
        if (!view.PlaceOf(self).Serves(shard.Id)) return origin.MayForward ? await forwarder.ForwardAsync(shard, view.Epoch, command, origin) : new Outcome.NotOwner(view.Epoch);
        if (origin.MayForward && !gate.IsOpenTo(command.Token.Token) && await forwarder.TryForwardAsync(shard, view.Epoch, command, origin) is { } handedOver) return handedOver;

        // 2. The client's past must be here.
        var past = command.Token.Token;
        if (await gate.PassAsync(shard.Id, past, origin.PastDeadline) is { } notYet) return notYet;

        // 3. A point read. The client's past now includes that of what it read, deletions too.
        var record = replica.Read(command.Key);
        if (record is null or { IsTombstone: true }) return new Outcome.Absent(stability.SealAfterReading(past, record), shard.Id);
        return new Outcome.Found(record.Value, stability.SealAfterReading(past, record), record.Token, shard.Id);
    }
}
