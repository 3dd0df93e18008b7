using System.Buffers;
using System.Text;
using Kv.Common.Backup;

namespace Kv.TestSupport;

/// <summary>A backup, read whole: what it has of each key.</summary>
public sealed record BackupFile(IReadOnlyDictionary<string, string> Values, ContentDigest Content)
{
    /// <summary>Where a backup is asked for, and put back.</summary>
    public const string Path = "/key-value-store-backup";

    /// <summary>Throws <see cref="BackupDamagedException"/> when it is not whole.</summary>
    public static BackupFile Read(byte[] file)
    {
        var reader = new BackupReader();
        var values = new Dictionary<string, string>();
        var rest = new ReadOnlySequence<byte>(file);
        while (reader.TryRead(ref rest, out var frame))
        {
            foreach (var entry in frame is BackupFrame.Entries entries ? entries.All : []) values.Add(entry.Key.ToString(), Encoding.UTF8.GetString(entry.Value.Span));
        }

        return new(values, reader.Finish(rest).Content);
    }
}
