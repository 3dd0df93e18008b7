using System.Globalization;
using System.Text.Json;
using Kv.Common.Topology;
using Kv.Node.Migration;
using Kv.Node.Requests;
using Kv.Node.Security;
using Kv.Node.Signals;

namespace Kv.Node.Rest;

/// <summary><c>/key-value-store-shard/reshard</c>: another number of shards, how far that is, and giving it up.</summary>
internal static class ReshardEndpoints
{
    public static void MapReshard(this RouteGroupBuilder group)
    {
        group.MapPut("/reshard", PutAsync).Needs(Role.Admin);
        group.MapGet("/reshard", GetAsync).Needs(Role.Read);
        group.MapDelete("/reshard", DeleteAsync).Needs(Role.Admin);
    }

    private static async Task PutAsync(HttpContext context, Resharding resharding)
    {
        if (await JsonBody.ReadAsync<int?>(context, TryRead) is not { } shardCount) return;
        switch (await resharding.ReshardAsync(shardCount, context.RequestAborted))
        {
            case MembershipOutcome.Done:
                await context.Response.WriteAsJsonAsync(new("Resharding done successfully"), RestJsonContext.Default.MessageAnswer);
                break;
            case var failed:
                await MembershipResults.WriteFailureAsync(context, failed);
                break;
        }
    }

    private static Task GetAsync(HttpContext context, Published<ClusterTopology> topology, ReshardProgress progress) =>
        JsonAnswer.WriteAsync(context, StatusCodes.Status200OK, (topology.Current, Report: progress.Report(), progress.Last), static (json, state) =>
        {
            json.WriteString("message", "Reshard status retrieved successfully");
            WriteProgress(json, state.Report, state.Current.LastReshard, state.Last);
        });

    /// <summary>The members of a reshard under way, or that there is none, and how the last one ended.</summary>
    public static void WriteProgress(Utf8JsonWriter json, ReshardReport? report, ReshardEnd? last, ReshardReport? lastSeen)
    {
        json.WriteString("stage", report is null ? "none" : report.IsReady ? "committing" : "transferring");
        if (report is not null) Write(json, report);
        if (last is null) return;
        json.WriteStartObject("last");
        json.WriteString("reshard-id", last.Id.ToString());
        json.WriteString("end", last.Committed ? "committed" : "cancelled");
        if (lastSeen?.Transition.Id == last.Id)
        {
            json.WriteNumber("keys-moved", lastSeen.Records);
            json.WriteNumber("elapsed-seconds", Math.Round(lastSeen.Elapsed.TotalSeconds, 3));
        }

        json.WriteEndObject();
    }

    private static async Task DeleteAsync(HttpContext context, Resharding resharding)
    {
        switch (await resharding.CancelAsync(context.RequestAborted))
        {
            case MembershipOutcome.Done:
                await context.Response.WriteAsJsonAsync(new("Reshard cancelled successfully"), RestJsonContext.Default.MessageAnswer);
                break;
            case MembershipOutcome.Refused { Reason: ChangeRefusal.NoSuchReshard }:
                await RestErrors.WriteAsync(context, Problems.NoReshard);
                break;
            case var failed:
                await MembershipResults.WriteFailureAsync(context, failed);
                break;
        }
    }

    private static void Write(Utf8JsonWriter json, ReshardReport report)
    {
        json.WriteString("reshard-id", report.Transition.Id.ToString());
        json.WriteNumber("shard-count", report.Transition.Ring.ShardCount);
        json.WriteNumber("ranges-done", report.PartsDone);
        json.WriteNumber("ranges-total", report.PartsTotal);
        json.WriteNumber("keys-moved", report.Records);
        json.WriteNumber("bytes-moved", report.Bytes);
        json.WriteNumber("keys-per-second", Math.Round(report.RecordsPerSecond));
        json.WriteNumber("elapsed-seconds", Math.Round(report.Elapsed.TotalSeconds, 3));
        if (report.Remaining is { } remaining) json.WriteNumber("eta-seconds", Math.Round(remaining.TotalSeconds, 1));
        json.WriteStartArray("waiting-for");
        foreach (var node in report.WaitsFor) json.WriteStringValue(node.ToString());
        json.WriteEndArray();
        if (report.Lacking is { } shard) json.WriteString("reason", $"Shard {shard} would have too few live nodes; without another one the reshard is cancelled");
        else json.WriteString("reason", report.IsReady ? "Everything is in place" : "Nodes are being filled");
    }

    private static string? TryRead(JsonElement body, out int? shardCount)
    {
        shardCount = null;
        if (!body.TryGetProperty("shard-count", out var value)) return "Shard count is missing";
        // Scripts of this interface send the number in either form.
        if (value.ValueKind is JsonValueKind.Number && value.TryGetInt32(out var number)) shardCount = number;
        if (value.ValueKind is JsonValueKind.String && int.TryParse(value.GetString(), NumberStyles.None, CultureInfo.InvariantCulture, out number)) shardCount = number;
        return shardCount is null ? "Shard count is not a whole number" : null;
    }
}
