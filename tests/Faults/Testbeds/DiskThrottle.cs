using System.Globalization;

namespace Kv.Faults.Testbeds;

/// <summary>
/// Bounds how many writes a second the kernel lets a process make on a block device, by a control group of version 1 of its own: a sync is done in the name of
/// who asked for it, so it waits. What the file system's journal writes by itself is not bounded.
/// </summary>
internal static class DiskThrottle
{
    private const string Groups = "/sys/fs/cgroup/blkio";
    private const string Limit = "blkio.throttle.write_iops_device";

    /// <summary>Null when it can be done here for data in that directory; else what is missing.</summary>
    public static string? WhyNot(string directory)
    {
        if (!Environment.IsPrivilegedProcess) return "takes root";
        if (!File.Exists(Path.Combine(Groups, Limit))) return "the kernel offers no control group of version 1 that bounds block I/O";
        return Shell.Find("findmnt") is null ? "findmnt is not installed" : !Directory.Exists(directory) ? $"{directory} is not on this machine" : null;
    }

    public static async Task<IAsyncDisposable> BeginAsync(int process, string directory, int writesPerSecond)
    {
        var device = await DeviceOfAsync(directory);
        var number = process.ToString(CultureInfo.InvariantCulture);
        var before = Groups + (await File.ReadAllLinesAsync($"/proc/{number}/cgroup")).Select(line => line.Split(':', 3)).First(parts => parts[1] == "blkio")[2];
        var group = Directory.CreateDirectory(Path.Combine(Groups, $"kv-faults-{number}")).FullName;
        await File.WriteAllTextAsync(Path.Combine(group, Limit), string.Create(CultureInfo.InvariantCulture, $"{device} {writesPerSecond}"));
        await File.WriteAllTextAsync(Path.Combine(group, "cgroup.procs"), number);
        return new Undo(async () =>
        {
            await File.WriteAllTextAsync(Path.Combine(group, Limit), $"{device} 0");
            try
            {
                await File.WriteAllTextAsync(Path.Combine(before, "cgroup.procs"), number);
            }
            catch (IOException)
            {
                // The process has ended meanwhile.
            }

            // Not Delete with recursion: the kernel's own files in it cannot be deleted, and go with it.
            Directory.Delete(group);
        });
    }

    // A limit is of a whole device, not of a partition.
    private static async Task<string> DeviceOfAsync(string directory)
    {
        var number = (await Shell.RunAsync(Shell.Find("findmnt")!, "--noheadings", "--output", "MAJ:MIN", "--target", directory)).Succeeded();
        var inKernel = $"/sys/dev/block/{number}";
        return File.Exists($"{inKernel}/partition") ? (await File.ReadAllTextAsync($"{inKernel}/../dev")).Trim() : number;
    }
}
