using System.Globalization;
using Kv.Simulation.Faults;
using Kv.Simulation.Mutants;
using Kv.Simulation.Runs;

namespace Kv.Simulation.Tests.Runs;

public sealed class SeedTests(ITestOutputHelper output)
{
    /// <summary><c>SIMULATION_SEEDS</c>, or a handful.</summary>
    private static int Seeds => int.TryParse(Environment.GetEnvironmentVariable("SIMULATION_SEEDS"), CultureInfo.InvariantCulture, out var seeds) ? seeds : 20;

    /// <summary>One of each kind that is soon caught; the simulator's own command line runs all of them, as CI does.</summary>
    public static TheoryData<string> Mutants => ["acknowledge-before-sync", "read-without-waiting", "vector-before-apply", "forward-twice", "detect-too-late"];

    [Fact]
    public void Every_promise_is_kept_under_every_fault()
    {
        var figures = SeedRunner.Run(Enumerable.Range(1, Seeds), Environment.ProcessorCount);
        foreach (var line in figures.Lines()) output.WriteLine(line);
        Assert.True(figures.Failures.Count == 0, string.Join('\n', figures.Failures.Select(f => $"seed {f.Plan.Seed}: {f.Violations[0]}")));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(13)]
    public void The_same_seed_is_the_same_run(int seed)
    {
        var once = Simulation.Runs.Simulation.Run(Plan.Of(seed));
        var again = Simulation.Runs.Simulation.Run(Plan.Of(seed));
        Assert.Equal(once.TraceHash, again.TraceHash);
        Assert.Equal(once.Events, again.Events);
        Assert.NotEqual(once.TraceHash, Simulation.Runs.Simulation.Run(Plan.Of(seed + 1)).TraceHash);
    }

    [Theory]
    [MemberData(nameof(Mutants))]
    public void A_mutant_is_caught(string name)
    {
        var figures = AllMutants.Hunt(name, Enumerable.Range(1, 1000), Environment.ProcessorCount);
        Assert.True(figures.Failures.Count > 0, $"{name} ({AllMutants.Describe(name)}) passed {figures.Seeds} seeds.");
        output.WriteLine($"{name}: caught after {figures.Seeds} seeds, by {figures.Failures[0].Violations[0].Promise}");
    }

    [Fact]
    public void A_failing_seed_of_a_mutant_is_shortened_and_tells_what_happened()
    {
        var mutant = () => AllMutants.Make("acknowledge-before-sync");
        var failure = AllMutants.Hunt("acknowledge-before-sync", Enumerable.Range(1, 100), threads: 1).Failures[0];
        var shorter = Shortening.Shorten(failure, mutant, TimeSpan.FromSeconds(60));
        Assert.True(shorter.Faults.Count < failure.Plan.Faults.Count || shorter.Clients.Count < failure.Plan.Clients.Count);
        var told = new List<string>();
        Assert.Contains(Simulation.Runs.Simulation.Run(shorter, mutant(), told.Add).Violations, v => v.Promise == failure.Violations[0].Promise);
        Assert.Contains(told, line => line.Contains("FAULT", StringComparison.Ordinal));
        Assert.Contains(told, line => line.Contains("Put", StringComparison.Ordinal));
    }

    [Fact]
    public void Every_fault_has_a_name_that_can_be_asked_for() =>
        Assert.All(Enum.GetValues<FaultKind>(), kind => Assert.True(FaultNames.TryParse(FaultNames.NameOf(kind), out var parsed) && parsed == kind));

    [Fact]
    public void Work_that_leaves_the_simulations_thread_is_found()
    {
        var scheduler = new Time.Scheduler(null);
        var process = new Time.SimProcess(1, "escaping", scheduler, new Random(1));
        Exception? found = null;
        var thread = new Thread(() => found = Record.Exception(() => process.Post(_ => { }, null)));
        thread.Start();
        thread.Join();
        Assert.IsType<Time.EscapedContinuationException>(found);
    }
}
