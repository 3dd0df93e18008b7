using Kv.StorageContract.Crash;
using Kv.StorageContract.Damage;
using Xunit.MicrosoftTestingPlatform;
using Xunit.Runner.InProc.SystemConsole;

namespace Kv.StorageContract;

/// <summary>Either the test runner, as xunit.v3 would generate it, or one of the processes that the tests start in order to kill them, or a long run of what the tests do a little of.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] args) => args switch
    {
        [Victim.WriteBatches, var directory, var seed] => await Victim.WriteBatchesAsync(directory, int.Parse(seed)),
        [Victim.HoldDirectory, var directory] => Victim.Hold(directory),
        [KillRounds.Command, ..] or [DamageRounds.Command, ..] => await LongRun.RunAsync(args),
        _ when args.Contains("--server") || args.Contains("--internal-msbuild-node") =>
            await TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions),
        _ => await ConsoleRunner.Run(args),
    };
}
