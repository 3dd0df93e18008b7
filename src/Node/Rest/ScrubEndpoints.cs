using System.Text.Json;
using Kv.Common.Identity;
using Kv.Node.Scrub;
using Kv.Node.Security;

namespace Kv.Node.Rest;

/// <summary><c>/key-value-store-view/scrub</c>: how far this node's comparison with the other members of its shard is, and what it has found.</summary>
internal static class ScrubEndpoints
{
    public static void MapScrub(this IEndpointRouteBuilder routes) => routes.MapGet("/key-value-store-view/scrub", GetAsync).Needs(Role.Read);

    private static Task GetAsync(HttpContext context, ScrubProgress progress, NodeIdentity self) =>
        JsonAnswer.WriteAsync(context, StatusCodes.Status200OK, progress.Report(), (json, report) =>
        {
            json.WriteString("message", "Scrub status retrieved successfully");
            json.WriteString("socket-address", self.Address.ToString());
            json.WriteString("state", NameOf(report.State));
            json.WriteNumber("arcs-done", report.ArcsDone);
            json.WriteNumber("arcs-total", report.ArcsTotal);
            json.WriteNumber("passes", report.Passes);
            if (report.LastPassEnded is { } ended) json.WriteString("last-pass-ended", ended);
            json.WriteNumber("missing-writes", report.MissingWrites);
            json.WriteNumber("wrong-counts", report.WrongCounts);
            json.WriteStartArray("findings");
            foreach (var finding in report.Findings) Write(json, finding);
            json.WriteEndArray();
        });

    private static void Write(Utf8JsonWriter json, ScrubFinding finding)
    {
        json.WriteStartObject();
        json.WriteString("at", finding.At);
        json.WriteString("kind", finding.Kind is ScrubFindingKind.MissingWrite ? "missing-write" : "wrong-count");
        json.WriteNumber("arc", finding.Arc);
        if (finding.Key is { } key) json.WriteString("key", key.ToString());
        if (finding.From is { } from) json.WriteString("taken-from", from.ToString());
        json.WriteEndObject();
    }

    private static string NameOf(ScrubState state) => state switch
    {
        ScrubState.Off => "off",
        ScrubState.Waiting => "waiting",
        ScrubState.Running => "running",
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}
