using System.Diagnostics;
using System.Globalization;
using Kv.StorageContract.Crash;
using Kv.StorageContract.Damage;

namespace Kv.StorageContract;

/// <summary><c>dotnet run -c Release --project tests/StorageContract -- kills|damage [N [SEED]]</c>: thousands of what the tests do some dozens of.</summary>
internal static class LongRun
{
    private const int UsualRounds = 2000;

    /// <summary>0 when nothing was lost or wrong; otherwise the failure is thrown, and names the seed and round.</summary>
    public static async Task<int> RunAsync(IReadOnlyList<string> args)
    {
        var rounds = args.Count > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : UsualRounds;
        var seed = args.Count > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 1;
        var watch = Stopwatch.StartNew();
        if (args[0] == KillRounds.Command) Console.WriteLine(await KillRounds.RunAsync(rounds, seed, CancellationToken.None));
        else Console.WriteLine((await DamageRounds.RunAsync(rounds, seed, CancellationToken.None)).Table());
        Console.WriteLine($"{rounds} rounds of seed {seed} in {watch.Elapsed.TotalSeconds:0} s");
        return 0;
    }
}
