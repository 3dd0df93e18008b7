using System.Diagnostics;

namespace Kv.Cluster.Tests;

/// <summary>A file system of its own for one node, small enough to be filled: a tmpfs, which only root may mount.</summary>
internal sealed class SmallDisk : IDisposable
{
    private const string Filler = "filler";

    private SmallDisk(string path) => Path = path;

    public string Path { get; }

    private string FillerPath => System.IO.Path.Combine(Path, Filler);

    private long Free => new DriveInfo(Path).AvailableFreeSpace;

    /// <summary>Null where this process may not mount.</summary>
    public static SmallDisk? TryMount(int mebibytes)
    {
        if (!OperatingSystem.IsLinux()) return null;
        var path = Directory.CreateTempSubdirectory("kv-disk-").FullName;
        if (Run("mount", "-t", "tmpfs", "-o", $"size={mebibytes}m", "tmpfs", path)) return new(path);
        Directory.Delete(path);
        return null;
    }

    /// <summary>Leaves so much free, give or take a page; what is written meanwhile goes on taking from it.</summary>
    public void FillTo(long freeBytes)
    {
        using var filler = new FileStream(FillerPath, FileMode.OpenOrCreate, FileAccess.Write);
        filler.Seek(0, SeekOrigin.End);
        var block = new byte[1 << 16];
        while (Free is var free && free > freeBytes + 4096)
        {
            filler.Write(block.AsSpan(0, (int)Math.Min(block.Length, free - freeBytes)));
            filler.Flush();
        }
    }

    /// <summary>Takes away what filled it.</summary>
    public void Clear() => File.Delete(FillerPath);

    public void Dispose()
    {
        Run("umount", Path);
        Directory.Delete(Path, recursive: true);
    }

    private static bool Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
