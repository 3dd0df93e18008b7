using System.Diagnostics;
using System.Globalization;
using Kv.Histories;
using Kv.Histories.Checkers;

namespace Kv.Simulation.Runs;

/// <summary>How long each checker takes for a long history.</summary>
internal static class CheckSpeed
{
    /// <summary>False when a checker refuses the history, which keeps every promise.</summary>
    public static bool Measure(int operations, Action<string> tell)
    {
        var history = OneCopy(operations);
        var total = TimeSpan.Zero;
        var problems = 0;
        foreach (var checker in AllCheckers.OfHistories)
        {
            var watch = Stopwatch.StartNew();
            problems += checker.Check(history).Count();
            var took = watch.Elapsed;
            total += took;
            tell(string.Create(CultureInfo.InvariantCulture, $"{checker.Promise,-32} {took.TotalSeconds,8:F2} s"));
        }

        tell(string.Create(CultureInfo.InvariantCulture, $"{operations} operations{"",-21} {total.TotalSeconds,8:F2} s, {problems} problems"));
        return problems == 0;
    }

    /// <summary>A store with one copy is consistent in every way: 32 clients read what was written last.</summary>
    public static ClientHistory OneCopy(int operations)
    {
        var random = new Random(1);
        var history = new ClientHistory();
        var last = new int[32];
        var newest = new int[200];
        Array.Fill(last, Operation.None);
        Array.Fill(newest, Operation.None);
        for (var id = 0; id < operations; id++)
        {
            var client = random.Next(last.Length);
            var key = random.Next(newest.Length);
            var writes = random.Next(2) == 0;
            history.Add(new Operation
            {
                Id = id,
                Client = client,
                Kind = writes ? OperationKind.Put : OperationKind.Read,
                Key = key,
                After = last[client],
                Status = OperationStatus.Acknowledged,
                ReadFrom = writes ? Operation.None : newest[key],
                Rank = writes ? new Rank((ulong)id + 1, 1) : null,
                InvokedAt = id,
                ReturnedAt = id,
            });
            last[client] = id;
            if (writes) newest[key] = id;
        }

        history.Final = Enumerable.Range(0, newest.Length).Where(key => newest[key] >= 0).ToDictionary(key => key, key => history[newest[key]].Rank!.Value);
        return history;
    }
}
