using System.IO.Pipelines;
using Kv.Common.Backup;

namespace Kv.Node.Backup;

/// <summary>Reads a whole backup file and checks it, without a cluster.</summary>
internal static class BackupVerification
{
    /// <summary>The reader at the file's end. Throws <see cref="BackupDamagedException"/> unless the file is whole.</summary>
    public static async Task<BackupReader> ReadAsync(Stream file)
    {
        var reader = new BackupReader();
        var pipe = PipeReader.Create(file, new(bufferSize: 256 << 10));
        while (true)
        {
            var read = await pipe.ReadAsync();
            var buffer = read.Buffer;
            while (reader.TryRead(ref buffer, out _))
            {
            }

            if (read.IsCompleted)
            {
                reader.Finish(buffer);
                return reader;
            }

            pipe.AdvanceTo(buffer.Start, buffer.End);
        }
    }
}
