using Kv.Simulation.Mutants;

namespace Kv.Simulation.Runs;

/// <summary>Leaves out of a failing plan the faults and clients without which it still breaks the same promise (delta debugging, Zeller 1999, greedily).</summary>
internal static class Shortening
{
    public static Plan Shorten(RunResult failure, Func<Mutant> mutant, TimeSpan budget)
    {
        var watch = System.Diagnostics.Stopwatch.StartNew();
        var promise = failure.Violations[0].Promise;
        var plan = failure.Plan;
        plan = plan with { Faults = Reduce(plan.Faults, faults => StillFails(plan with { Faults = faults })) };
        return plan with { Clients = Reduce(plan.Clients, clients => clients.Count > 0 && StillFails(plan with { Clients = clients })) };

        bool StillFails(Plan candidate) => watch.Elapsed < budget && Simulation.Run(candidate, mutant()).Violations.Any(violation => violation.Promise == promise);
    }

    private static IReadOnlyList<T> Reduce<T>(IReadOnlyList<T> parts, Func<IReadOnlyList<T>, bool> stillFails)
    {
        for (var size = Math.Max(1, parts.Count / 2); ; size /= 2)
        {
            for (var at = 0; at < parts.Count;)
            {
                List<T> rest = [.. parts.Take(at), .. parts.Skip(at + size)];
                if (rest.Count < parts.Count && stillFails(rest)) parts = rest;
                else at += size;
            }

            if (size <= 1) return parts;
        }
    }
}
