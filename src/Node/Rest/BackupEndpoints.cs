using System.Globalization;
using System.Text.Json;
using Kv.Common.Identity;
using Kv.Node.Backup;
using Kv.Node.Requests;
using Kv.Node.Security;
using Microsoft.AspNetCore.Http.Features;

namespace Kv.Node.Rest;

/// <summary><c>/key-value-store-backup</c>: the whole cluster as one file, and back; how far that is, and what the cluster's content comes to.</summary>
internal static class BackupEndpoints
{
    public static void MapBackup(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/key-value-store-backup");
        group.MapGet("", GetAsync).Needs(Role.Admin);
        group.MapPut("", PutAsync).Needs(Role.Admin);
        group.MapGet("/digest", GetDigestAsync).Needs(Role.Admin);
        group.MapGet("/status", GetStatusAsync).Needs(Role.Read);
    }

    private static async Task GetAsync(HttpContext context, ClusterBackup backup, BackupActivity activity, NodeIdentity self, RequestIntake intake, IHostApplicationLifetime lifetime)
    {
        using var run = activity.TryBegin("backup", BackupStage.Preparing);
        if (run is null)
        {
            await WriteBusyAsync(context);
            return;
        }

        using var end = EndOf(context, intake, lifetime);
        BackupCut cut;
        try
        {
            cut = await backup.PrepareAsync(run, end.Token);
        }
        catch (BackupRefusedException refused)
        {
            run.End(refused.Message);
            await RestErrors.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, $"Backup cannot be made now: {refused.Message}", 1, problem: Problems.BackupUnavailable);
            return;
        }

        await using var disposing = cut;
        var name = DateTimeOffset.FromUnixTimeMilliseconds(cut.StartedUnixMs).ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        context.Response.ContentType = "application/octet-stream";
        context.Response.Headers.ContentDisposition = $"attachment; filename=\"{self.Cluster}-{name}.kvb\"";
        try
        {
            await backup.WriteAsync(cut, context.Response.BodyWriter, run, end.Token);
            run.End("done");
        }
        catch (BackupRefusedException refused)
        {
            // The status is sent: that the answer does not end as it should is all that can be told. The file has no end either.
            run.End(refused.Message);
            context.Abort();
        }
    }

    private static async Task PutAsync(HttpContext context, ClusterRestore restore, BackupActivity activity, RequestIntake intake, IHostApplicationLifetime lifetime)
    {
        if (!TryReadOverwrite(context.Request, out var mayOverwrite))
        {
            await RestErrors.WriteAsync(context, Problems.OverwriteUnknown);
            return;
        }

        using var run = activity.TryBegin("restore", BackupStage.Receiving);
        if (run is null)
        {
            await WriteBusyAsync(context);
            return;
        }

        // As large as the cluster; what bounds it is the disk.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } bound) bound.MaxRequestBodySize = null;
        using var end = EndOf(context, intake, lifetime);
        var outcome = await restore.RestoreAsync(context.Request.BodyReader, context.Request.ContentLength, mayOverwrite, run, end.Token);
        run.End(outcome is RestoreOutcome.Done ? "done" : outcome.GetType().Name);
        await BackupResults.WriteAsync(context, outcome);
    }

    private static async Task GetDigestAsync(HttpContext context, ClusterBackup backup, BackupActivity activity, RequestIntake intake, IHostApplicationLifetime lifetime)
    {
        using var run = activity.TryBegin("digest", BackupStage.Preparing);
        if (run is null)
        {
            await WriteBusyAsync(context);
            return;
        }

        try
        {
            using var end = EndOf(context, intake, lifetime);
            var content = await backup.DigestAsync(run, end.Token);
            run.End("done");
            await JsonAnswer.WriteAsync(context, StatusCodes.Status200OK, content, static (json, content) =>
            {
                json.WriteString("message", "Digest retrieved successfully");
                BackupResults.Write(json, content);
            });
        }
        catch (BackupRefusedException refused)
        {
            run.End(refused.Message);
            await RestErrors.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, $"Digest cannot be made now: {refused.Message}", 1, problem: Problems.BackupUnavailable);
        }
    }

    private static Task GetStatusAsync(HttpContext context, BackupActivity activity) =>
        JsonAnswer.WriteAsync(context, StatusCodes.Status200OK, (activity.Current, activity.Last), static (json, state) =>
        {
            json.WriteString("message", "Backup status retrieved successfully");
            json.WriteString("stage", state.Current is { } current ? NameOf(current.Stage) : "none");
            if (state.Current is not null) Write(json, state.Current);
            if (state.Last is not { } last) return;
            json.WriteStartObject("last");
            Write(json, last);
            json.WriteString("end", last.End);
            json.WriteEndObject();
        });

    private static void Write(Utf8JsonWriter json, BackupReport report)
    {
        json.WriteString("kind", report.Kind);
        json.WriteNumber("keys", report.Keys);
        json.WriteNumber("keys-total", report.KeysTotal);
        json.WriteNumber("bytes", report.Bytes);
        json.WriteNumber("shards-done", report.ShardsDone);
        json.WriteNumber("shards-total", report.ShardsTotal);
        json.WriteNumber("elapsed-seconds", Math.Round(report.Elapsed.TotalSeconds, 3));
    }

    private static string NameOf(BackupStage stage) => stage switch
    {
        BackupStage.Preparing => "preparing",
        BackupStage.Streaming => "streaming",
        BackupStage.Receiving => "receiving",
        BackupStage.Writing => "writing",
        BackupStage.Verifying => "verifying",
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    // A node that stops does not wait for what takes as long as these.
    private static CancellationTokenSource EndOf(HttpContext context, RequestIntake intake, IHostApplicationLifetime lifetime) =>
        CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, intake.Closed, lifetime.ApplicationStopping);

    private static Task WriteBusyAsync(HttpContext context) => RestErrors.WriteAsync(context, Problems.BackupRunning, 1);

    private static bool TryReadOverwrite(HttpRequest request, out bool mayOverwrite)
    {
        mayOverwrite = false;
        return !request.Query.TryGetValue("overwrite", out var text) || bool.TryParse(text, out mayOverwrite);
    }
}
