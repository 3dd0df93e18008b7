using System.Globalization;
using Kv.Simulation.Mutants;
using Kv.Simulation.Runs;

if (CommandLine.Parse(args, out var error) is not { } line)
{
    Console.Error.WriteLine(error);
    Console.Error.WriteLine(CommandLine.Usage);
    return 2;
}

Func<Mutant>? mutant = line.Mutant is { } name ? () => AllMutants.Make(name) : null;
if (line.Replay is { } seed) return Replay(seed);
if (line.CheckSpeed is { } operations) return CheckSpeed.Measure(operations, Console.WriteLine) ? 0 : 1;
var (passed, failed) = line.Mutants ? HuntMutants() : RunSeeds();
Console.WriteLine($"{passed} passed, {failed} failed");
return failed == 0 ? 0 : 1;

(int Passed, int Failed) RunSeeds()
{
    var figures = SeedRunner.Run(
        Enumerable.Range(line.First, line.Last - line.First + 1), line.Parallel, line.Limit, line.Faults, mutant, each: Tell, progress: all => Console.WriteLine(all.Progress()));
    foreach (var text in figures.Lines()) Console.WriteLine(text);
    return (figures.Seeds - figures.Failures.Count, figures.Failures.Count);

    static void Tell(RunResult result)
    {
        if (!result.Passed) Console.WriteLine($"seed {result.Plan.Seed} broke a promise; --replay {result.Plan.Seed} tells more\n{string.Join('\n', result.Violations.Take(3).Select(v => $"  {v}"))}");
    }
}

(int Passed, int Failed) HuntMutants()
{
    var caught = 0;
    var hunted = line.Mutant is null ? AllMutants.Names : [line.Mutant];
    foreach (var each in hunted)
    {
        var figures = AllMutants.Hunt(each, Enumerable.Range(line.First, line.Last - line.First + 1), line.Parallel, line.Least);
        var found = figures.Failures.Count > 0;
        if (found) caught++;
        var promises = figures.Failures.GroupBy(f => f.Violations[0].Promise).OrderByDescending(g => g.Count()).Select(g => $"{g.Key} ({g.Count()})");
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{each,-32} {(found ? "caught" : "NOT CAUGHT"),-10} in {figures.Failures.Count} of {figures.Seeds}, first by {(found ? figures.Failures.Min(f => f.Plan.Seed) : 0)}: {string.Join(", ", promises)}"));
    }

    return (caught, hunted.Count - caught);
}

int Replay(int replayed)
{
    var failure = SeedRunner.RunOne(replayed, line.Faults, mutant);
    if (failure.Passed)
    {
        SeedRunner.RunOne(replayed, line.Faults, mutant, Console.WriteLine);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seed {replayed} keeps every promise; trace {failure.TraceHash:x16}"));
        return 0;
    }

    var shorter = Shortening.Shorten(failure, mutant ?? (() => Mutant.None), TimeSpan.FromMinutes(2));
    var result = Simulation.Run(shorter, mutant?.Invoke(), Console.WriteLine);
    Console.WriteLine($"seed {replayed}: {failure.Plan.Nodes} nodes, {failure.Plan.Shards} shards; needs {shorter.Faults.Count} of {failure.Plan.Faults.Count} faults and {shorter.Clients.Count} of {failure.Plan.Clients.Count} clients:");
    foreach (var fault in shorter.Faults) Console.WriteLine($"  {fault}");
    foreach (var violation in result.Violations.Take(3)) Console.WriteLine($"BROKEN {violation}");
    return 1;
}
