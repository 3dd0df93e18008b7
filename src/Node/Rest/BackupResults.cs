using System.Text.Json;
using Kv.Common.Backup;
using Kv.Node.Backup;

namespace Kv.Node.Rest;

/// <summary>The one translation of what a restore ends in into answers.</summary>
internal static class BackupResults
{
    private static readonly JsonEncodedText CausalMetadata = JsonEncodedText.Encode("causal-metadata");

    public static Task WriteAsync(HttpContext context, RestoreOutcome outcome)
    {
        // What is left of a body that nobody reads would keep the connection busy.
        if (outcome is not (RestoreOutcome.Done or RestoreOutcome.Different or RestoreOutcome.BrokenOff)) context.Response.Headers.Connection = "close";
        return outcome switch
        {
            RestoreOutcome.Done done => JsonAnswer.WriteAsync(context, StatusCodes.Status200OK, done, static (json, done) =>
            {
                json.WriteString("message", "Restored successfully");
                Write(json, done.Content);
                json.WriteBoolean("verified", done.IsVerified);
                JsonAnswer.Token(json, CausalMetadata, done.Token.Span);
            }),
            RestoreOutcome.Different different => RestErrors.WriteAsync(context, Problems.RestoredDifferently, more: json =>
            {
                json.WriteNumber("backup-keys", different.File.Count);
                json.WriteString("backup-digest", different.File.ToString());
                Write(json, different.Cluster);
            }),
            RestoreOutcome.Unusable unusable => RestErrors.WriteAsync(context, StatusCodes.Status400BadRequest, unusable.Error, problem: Problems.BackupUnusable),
            RestoreOutcome.NotEmpty notEmpty => RestErrors.WriteAsync(
                context, Problems.ClusterNotEmpty, more: json => json.WriteString("reason", $"A shard has {notEmpty.Keys} keys; with ?overwrite=true the backup's replace them")),
            RestoreOutcome.NoRoom => RestErrors.WriteAsync(context, Problems.NoRoomForBackup, 5),
            RestoreOutcome.Unavailable unavailable => RestErrors.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, unavailable.Error, 1, problem: Problems.BackupUnavailable),
            RestoreOutcome.BrokenOff broken => RestErrors.WriteAsync(
                context,
                broken.IsDiskFull ? Problems.RestoreDiskFull : Problems.RestoreBrokenOff,
                5,
                json => json.WriteString("reason", $"{broken.Error}. Run it again with ?overwrite=true")),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    public static void Write(Utf8JsonWriter json, ContentDigest content)
    {
        json.WriteNumber("keys", content.Count);
        json.WriteNumber("bytes", content.Bytes);
        json.WriteString("digest", content.ToString());
    }
}
