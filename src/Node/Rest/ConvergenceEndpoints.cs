using System.Globalization;
using System.Text.Json;
using Kv.Node.Requests;
using Kv.Node.Security;

namespace Kv.Node.Rest;

/// <summary><c>/key-value-store-view/convergence</c>: whether all replicas are equal, and if not, by how much.</summary>
internal static class ConvergenceEndpoints
{
    public static void MapConvergence(this IEndpointRouteBuilder routes) => routes.MapGet("/key-value-store-view/convergence", GetAsync).Needs(Role.Read);

    private static Task GetAsync(HttpContext context, Convergence convergence) =>
        JsonAnswer.WriteAsync(context, StatusCodes.Status200OK, convergence.Report(), static (json, report) =>
        {
            json.WriteString("message", "Convergence retrieved successfully");
            json.WriteBoolean("converged", report.IsConverged);
            json.WriteStartArray("shards");
            foreach (var shard in report.Shards) Write(json, shard);
            json.WriteEndArray();
        });

    private static void Write(Utf8JsonWriter json, ShardConvergence shard)
    {
        json.WriteStartObject();
        json.WriteString("shard-id", shard.Shard.ToString());
        json.WriteBoolean("converged", shard.IsConverged);
        json.WriteStartArray("replicas");
        foreach (var replica in shard.Replicas)
        {
            json.WriteStartObject();
            json.WriteString("socket-address", replica.Address.ToString());
            json.WriteString("state", NameOf(replica.State));
            json.WriteNumber("lacks-writes", replica.Lacks);
            json.WriteNumber("keys", replica.Keys);
            json.WriteNumber("tombstones", replica.Tombstones);
            json.WriteString("digest", replica.Digest.ToString("x16", CultureInfo.InvariantCulture));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>As it is written.</summary>
    public static string NameOf(ReplicaEquality state) => state switch
    {
        ReplicaEquality.Equal => "equal",
        ReplicaEquality.Unreachable => "unreachable",
        ReplicaEquality.Joining => "joining",
        ReplicaEquality.Refilling => "refilling",
        ReplicaEquality.Behind => "behind",
        ReplicaEquality.Different => "different",
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}
