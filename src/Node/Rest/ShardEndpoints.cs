using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Requests;
using Kv.Node.Security;
using Kv.Node.Signals;

namespace Kv.Node.Rest;

/// <summary><c>/key-value-store-shard/…</c>: which shards there are, who serves them, how much they hold.</summary>
internal static class ShardEndpoints
{
    public static void MapShards(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/key-value-store-shard");
        group.MapGet("/shard-ids", GetIds).Needs(Role.Read);
        group.MapGet("/node-shard-id", GetOfNodeAsync).Needs(Role.Read);
        group.MapGet("/shard-id-members/{id}", GetMembersAsync).Needs(Role.Read);
        group.MapGet("/shard-id-key-count/{id}", GetKeyCountAsync).Needs(Role.Read);
        group.MapPut("/add-member/{id}", AddMemberAsync).Needs(Role.Admin);
        group.MapReshard();
    }

    private static IResult GetIds(Published<ClusterTopology> topology) =>
        Results.Json(new("Shard IDs retrieved successfully", string.Join(',', topology.Current.Shards.Select(s => s.Id))), RestJsonContext.Default.ShardIdsAnswer);

    private static Task GetOfNodeAsync(HttpContext context, Published<ClusterTopology> topology, NodeIdentity self) =>
        topology.Current.PlaceOf(self) is { Role: ReplicaRole.Member, Shard: { } shard }
            ? Results.Json(new("Shard ID of the node retrieved successfully", shard.Id.ToString()), RestJsonContext.Default.NodeShardIdAnswer).ExecuteAsync(context)
            : RestErrors.WriteAsync(context, Problems.NodeWithoutShard);

    private static Task GetMembersAsync(HttpContext context, string id, Published<ClusterTopology> topology) =>
        Find(topology.Current, id) is { } shard
            ? Results.Json(new("Members of shard ID retrieved successfully", string.Join(',', shard.Members)), RestJsonContext.Default.ShardMembersAnswer).ExecuteAsync(context)
            : UnknownShard(context);

    private static async Task GetKeyCountAsync(HttpContext context, string id, Published<ClusterTopology> topology, KeyCounts counts, CausalTokenCodec tokens)
    {
        if (Find(topology.Current, id) is not { } shard)
        {
            await UnknownShard(context);
            return;
        }

        if (!CausalMetadata.TryRead(context.Request, default, tokens, out var token, out var error))
        {
            await RestErrors.WriteAsync(context, StatusCodes.Status400BadRequest, error);
            return;
        }

        switch (await counts.CountAsync(new(shard.Id, token)))
        {
            case Outcome.Counted counted:
                await Results.Json(new("Key count of shard ID retrieved successfully", counted.LiveKeys), RestJsonContext.Default.KeyCountAnswer).ExecuteAsync(context);
                break;
            case var refused:
                await OutcomeResults.WriteAsync(context, refused);
                break;
        }
    }

    private static async Task AddMemberAsync(HttpContext context, string id, MembershipChanges changes)
    {
        if (!ShardId.TryParse(id, out var shard))
        {
            await UnknownShard(context);
            return;
        }

        if (await SocketAddressBody.ReadAsync(context) is not { } address) return;
        switch (await changes.AddReplicaAsync(shard, address, context.RequestAborted))
        {
            case MembershipOutcome.Done:
                await context.Response.WriteAsJsonAsync(new("Node added successfully to the shard"), RestJsonContext.Default.MessageAnswer);
                break;
            case var failed:
                await MembershipResults.WriteFailureAsync(context, failed);
                break;
        }
    }

    private static ShardMembers? Find(ClusterTopology topology, string id) => ShardId.TryParse(id, out var shard) ? topology.Find(shard) : null;

    private static Task UnknownShard(HttpContext context) => RestErrors.WriteAsync(context, Problems.ShardDoesNotExist);
}
