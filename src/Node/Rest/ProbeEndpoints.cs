using Kv.Node.Replica;

namespace Kv.Node.Rest;

/// <summary><c>/livez</c>: the process turns. <c>/readyz</c>: it can serve its shard, or why not.</summary>
internal static class ProbeEndpoints
{
    public static void MapProbes(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/livez", () => Results.Json(new("alive"), RestJsonContext.Default.ProbeAnswer)).IsOpen();
        routes.MapGet("/readyz", GetReadyAsync).IsOpen();
    }

    private static Task GetReadyAsync(HttpContext context, Readiness readiness) =>
        readiness.WhyNot() is { } reason
            ? RestErrors.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, reason, 1, problem: Problems.NodeNotReady)
            : Results.Json(new("ready"), RestJsonContext.Default.ProbeAnswer).ExecuteAsync(context);
}
