using System.Globalization;

namespace Kv.Faults.Testbeds;

/// <summary>A file system in memory that is small enough to be filled in a moment. It outlives the node that uses it, as a disk does.</summary>
internal sealed class SmallDisk : IAsyncDisposable
{
    private const int Megabytes = 512;

    private SmallDisk(string path) => Path = path;

    public string Path { get; }

    private string Filler => System.IO.Path.Combine(Path, "filler");

    /// <summary>Null when there can be one here; else what is missing.</summary>
    public static string? WhyNot() =>
        !OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess ? "takes root on Linux" : Shell.Find("mount") is null || Shell.Find("umount") is null ? "mount is not installed" : null;

    /// <summary><paramref name="user"/>: to whom it belongs.</summary>
    public static async Task<SmallDisk> MountAsync(int user)
    {
        var path = Directory.CreateTempSubdirectory("kv-small-disk-").FullName;
        (await Shell.RunAsync(Shell.Find("mount")!, "-t", "tmpfs", "-o", string.Create(CultureInfo.InvariantCulture, $"size={Megabytes}m,uid={user},mode=0700"), "kv-small-disk", path)).Succeeded();
        return new(path);
    }

    /// <summary>Nothing more fits, until disposed.</summary>
    public async Task<IAsyncDisposable> FillAsync()
    {
        var piece = new byte[1 << 16];
        try
        {
            await using var filler = new FileStream(Filler, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
            for (var length = piece.Length; length > 0; length /= 2)
            {
                try
                {
                    while (filler.Length < (long)Megabytes << 20) await filler.WriteAsync(piece.AsMemory(0, length));
                }
                catch (IOException)
                {
                    // Full for pieces of that length.
                }
            }
        }
        catch (IOException)
        {
            // Closing it found no room either.
        }

        return new Undo(() => File.Delete(Filler));
    }

    /// <summary>Everything on it is lost.</summary>
    public void Clear()
    {
        foreach (var entry in new DirectoryInfo(Path).EnumerateFileSystemInfos())
        {
            if (entry is DirectoryInfo directory) directory.Delete(recursive: true);
            else entry.Delete();
        }
    }

    public async ValueTask DisposeAsync()
    {
        (await Shell.RunAsync(Shell.Find("umount")!, Path)).Succeeded();
        Directory.Delete(Path);
    }
}
