using System.Diagnostics;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Storage;
using Kv.Node.Storage.RocksDb;

namespace Kv.StorageContract.Crash;

/// <summary>What this assembly does when a test starts it as a process to be killed.</summary>
internal static class Victim
{
    public const string WriteBatches = "write-batches";
    public const string HoldDirectory = "hold-directory";

    /// <summary>The writer gave up because the engine failed, and the engine then refused another write.</summary>
    public const int StorageFailed = 3;

    /// <summary>How many records the writer leaves in the log when it trims.</summary>
    public const ulong KeptInLog = 300;

    private const ulong BatchesPerTrim = 40;

    /// <summary>Starts this assembly in another process.</summary>
    public static Process Start(params string[] arguments) => Start(Executable, arguments);

    /// <summary>The same in which no file may grow beyond <paramref name="kibibytes"/>, as on a disk that is full.</summary>
    public static Process StartWithFileLimit(int kibibytes, params string[] arguments)
    {
        // ulimit counts in units of 512 bytes. A process that does not ignore the signal dies of it instead of getting an error.
        var script = $"trap '' XFSZ; ulimit -f {kibibytes * 2}; exec \"$0\" \"$@\"";
        return Start("/bin/sh", ["-c", script, Executable, .. arguments]);
    }

    /// <summary>Goes on with the plan where the store left it, until it is killed; says the number of each batch once it is committed.</summary>
    public static async Task<int> WriteBatchesAsync(string directory, int seed)
    {
        await using var engine = RocksDbStorage.Open(directory, RocksDbMedium.Small);
        var plan = new BatchPlan(seed);
        plan.AdvanceTo(engine.Checkpoint.Clock.Packed);
        try
        {
            while (true)
            {
                await engine.CommitAsync(plan.Next());
                Console.WriteLine(plan.Number);
                if (plan.Number % BatchesPerTrim == 0 && plan.Written > KeptInLog)
                    await engine.TrimLogAsync(VersionVector.Of(new Dot(BatchPlan.Origin, plan.Written - KeptInLog)));
            }
        }
        catch (StorageFailedException)
        {
            try
            {
                await engine.CommitAsync(plan.Next());
                return 0;
            }
            catch (StorageFailedException)
            {
                return StorageFailed;
            }
        }
    }

    /// <summary>Holds a data directory until it is killed, or nobody is left to tell it more.</summary>
    public static int Hold(string directory)
    {
        var self = NodeAddress.Parse("10.0.0.2:8082");
        using var held = DataDirectory.Open(directory, self);
        held.Claim(Genesis.Provisional([self], 1), () => 7);
        Console.WriteLine("held");
        Console.In.ReadToEnd();
        return 0;
    }

    private static string Executable => Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "Kv.StorageContract.exe" : "Kv.StorageContract");

    private static Process Start(string executable, string[] arguments)
    {
        var start = new ProcessStartInfo(executable, arguments) { RedirectStandardOutput = true, RedirectStandardInput = true };
        // The runtime maps its own code twice through a large file in memory, which the file limit would forbid.
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0";
        return Process.Start(start)!;
    }
}
