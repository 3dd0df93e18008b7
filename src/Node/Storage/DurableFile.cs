using System.Runtime.InteropServices;

namespace Kv.Node.Storage;

/// <summary>Small files that are there whole or not at all, whatever moment the machine stops.</summary>
internal static partial class DurableFile
{
    private const int ReadOnly = 0;

    /// <summary>
    /// Replaces <paramref name="path"/>: 1. the content goes to a file beside it, 2. that file is synced, 3. it is renamed, 4. the directory is synced.
    /// Without the second step the rename can survive and the content not; without the fourth the rename itself is lost.
    /// </summary>
    public static void Replace(string path, ReadOnlySpan<byte> content)
    {
        var temporary = path + ".new";
        using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None))
        {
            file.Write(content);
            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
        SyncDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    /// <summary>Makes the names in a directory durable: files created, renamed and removed there.</summary>
    public static void SyncDirectory(string path)
    {
        // Windows keeps directory entries in its journal and offers no such call.
        if (OperatingSystem.IsWindows()) return;
        var directory = Open(path, ReadOnly);
        if (directory < 0) throw new IOException($"The directory {path} cannot be opened: {Marshal.GetLastPInvokeErrorMessage()}");
        try
        {
            if (Sync(directory) != 0) throw new IOException($"The directory {path} cannot be synced: {Marshal.GetLastPInvokeErrorMessage()}");
        }
        finally
        {
            _ = Close(directory);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
