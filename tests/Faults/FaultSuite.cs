using System.Globalization;
using Kv.Faults.Judgement;
using Kv.Faults.Load;
using Kv.Faults.Nemesis;
using Kv.Faults.Reports;
using Kv.Faults.Testbeds;

namespace Kv.Faults;

/// <summary>The suite itself: rounds of faults on a cluster that runs for real, one after the other on the same cluster, and what came of them.</summary>
internal static class FaultSuite
{
    private const int MostBrokenRounds = 5;

    private static readonly TimeSpan FormationBound = TimeSpan.FromMinutes(2);

    /// <param name="testbed">Not started yet. Belongs to the caller, who disposes it.</param>
    /// <param name="options">What to do.</param>
    /// <param name="say">Is told what happens, line by line.</param>
    /// <param name="stop">Ends the run early; the round under way is healed and judged.</param>
    public static async Task<SuiteReport> RunAsync(ITestbed testbed, SuiteOptions options, Action<string> say, CancellationToken stop)
    {
        // 1. What cannot be brought about here is left out, and said so.
        var clock = new SuiteClock();
        var report = new SuiteReport(testbed.Name, options);
        List<FaultKind> faults = [];
        foreach (var kind in options.Faults)
        {
            if (testbed.WhyNot(kind) is { } reason) report.Skipped.Add((kind, reason));
            else faults.Add(kind);
        }

        if (faults.Count == 0) throw new InvalidOperationException($"None of these faults can be brought about here: {string.Join("; ", report.Skipped)}");

        // 2. The cluster forms.
        var world = new World(clock);
        var topology = new TopologyWatch(testbed, world);
        await testbed.StartAsync(stop);
        if (await new Convergence(testbed, topology, clock).UntilWholeAsync(FormationBound, stop) is { } missing) throw new InvalidOperationException($"The cluster has not formed: {missing}");
        say($"{testbed.Nodes.Count} {testbed.Name} in {topology.Current.Shards.Length} shards; seed {options.Seed}; {string.Join(", ", faults.Select(FaultNames.Of))}");

        // 3. Round after round.
        using var watching = new CancellationTokenSource();
        var accusations = new AccusationWatch(testbed, world, clock);
        var watch = Task.WhenAll(topology.RunAsync(watching.Token), accusations.RunAsync(watching.Token));
        using var pauses = new OwnPauses();
        var kept = new KeptWrites(testbed.Nodes, world, options.Seed, new Random(options.Seed), clock);
        var plans = new RoundPlans(options.Seed, faults, options.Hold);
        while (!stop.IsCancellationRequested && TimeSpan.FromTicks(clock.Now) < options.Duration && report.Rounds < options.MostRounds && report.BrokenRounds.Count < MostBrokenRounds)
        {
            var plan = plans.Next();
            RoundReport round;
            try
            {
                round = await new Round(testbed, world, topology, clock, options, plan, report.Availability, kept).RunAsync(stop);
            }
            catch (Exception failed) when (failed is InvalidOperationException or TimeoutException or IOException)
            {
                // The machine did not do what it was told. What was found by then counts; the run does not.
                report.Failure = $"{plan} could not be carried out: {failed}";
                say(report.Failure);
                break;
            }

            report.Add(round);
            say(string.Create(CultureInfo.InvariantCulture, $"{TimeSpan.FromTicks(clock.Now):hh\\:mm\\:ss} {plan}: {string.Join("; ", round.Episodes.Cast<object>().Append(round.Change).OfType<object>())}; {round.Operations} operations, equal after {round.EqualAfter?.TotalSeconds:F1} s, {round.Violations.Count} violations"));
            foreach (var violation in round.Violations.Take(5)) say($"  BROKEN {violation}");
            // At once: a later round may take the containers away, and their logs with them.
            if (round.Violations.Count > 0) await TakeLogsAsync(testbed, report);
            if (!round.HasConverged) break;
        }

        // 4. Everything that was ever kept is read once more.
        if (report.Failure is null && report.BrokenRounds.TrueForAll(round => round.HasConverged)) report.AddAtTheEnd(await kept.CheckAsync(int.MaxValue));
        report.Finish(clock, kept, accusations, pauses.Longest);
        if (report.Violations > 0 && report.Logs.Count == 0) await TakeLogsAsync(testbed, report);
        await watching.CancelAsync();
        await watch;
        return report;
    }

    private static async Task TakeLogsAsync(ITestbed testbed, SuiteReport report)
    {
        foreach (var node in testbed.Nodes) report.Logs.Add((node.ToString(), await testbed.LogAsync(node)));
    }
}
