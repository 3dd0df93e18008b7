using Kv.Node.Observation;
using Kv.Node.Security;

namespace Kv.Node.Rest;

/// <summary><c>/key-value-store-view/status</c>: the cluster as this node sees it. <c>/key-value-store-view/events</c>: the same, and what happens, as a stream.</summary>
internal static class StatusEndpoints
{
    public static void MapStatus(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/key-value-store-view/status", GetAsync).Needs(Role.Read);
        routes.MapGet(EventStream.Path, static (HttpContext context, EventStream stream) => stream.ServeAsync(context)).Needs(Role.Read).IsEndless();
    }

    private static Task GetAsync(HttpContext context, ClusterStatus status)
    {
        context.Response.Headers.CacheControl = "no-store";
        return JsonAnswer.WriteAsync(context, StatusCodes.Status200OK, status.Report(), static (json, report) =>
        {
            json.WriteString("message", "Status retrieved successfully");
            StatusJson.Write(json, report);
            json.WriteStartObject("ring");
            StatusJson.WriteRing(json, report.Topology);
            json.WriteEndObject();
        });
    }
}
