using System.Globalization;
using Kv.Common.Backup;
using Kv.Node.Backup;

namespace Kv.Node.Hosting;

/// <summary><c>Kv.Node --verify-backup FILE</c>: whether a backup is whole, and what it has. Exit code 0; 2 when there is no such file, 3 when it is no whole backup.</summary>
internal static class VerifyBackup
{
    public static async Task<int> RunAsync(string? path, TextWriter output)
    {
        if (string.IsNullOrEmpty(path))
        {
            await output.WriteLineAsync("--verify-backup needs the name of a file.");
            return ExitCodes.Refused;
        }

        try
        {
            await using var file = File.OpenRead(path);
            var read = await BackupVerification.ReadAsync(file);
            var (header, trailer) = (read.Header!, read.Trailer!);
            await output.WriteLineAsync($"The backup is whole: {path}");
            await output.WriteLineAsync($"cluster  {header.Cluster}, epoch {header.Epoch}, by {header.Node}");
            await output.WriteLineAsync($"started  {Text(header.StartedUnixMs)}");
            await output.WriteLineAsync($"finished {Text(trailer.FinishedUnixMs)}");
            await output.WriteLineAsync($"shards   {header.Parts.Length}");
            await output.WriteLineAsync($"keys     {trailer.Content.Count}");
            await output.WriteLineAsync($"bytes    {trailer.Content.Bytes}");
            await output.WriteLineAsync($"digest   {trailer.Content}");
            return 0;
        }
        catch (BackupDamagedException damaged)
        {
            await output.WriteLineAsync(damaged.Message);
            return ExitCodes.Damaged;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            await output.WriteLineAsync(unreadable.Message);
            return ExitCodes.Refused;
        }
    }

    private static string Text(long unixMs) => DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(unixMs, 0, 253_402_300_799_999)).ToString("u", CultureInfo.InvariantCulture);
}
