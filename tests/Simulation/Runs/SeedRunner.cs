using System.Diagnostics;
using Kv.Simulation.Faults;
using Kv.Simulation.Mutants;

namespace Kv.Simulation.Runs;

/// <summary>Runs many seeds, one simulation per thread at a time.</summary>
internal static class SeedRunner
{
    /// <summary>Runs the seeds until they, or the time, are used up; <paramref name="stop"/> is asked after each.</summary>
    public static Figures Run(
        IEnumerable<int> seeds, int threads, TimeSpan? limit = null, IReadOnlySet<FaultKind>? only = null, Func<Mutant>? mutant = null,
        Func<Figures, bool>? stop = null, Action<RunResult>? each = null, Action<Figures>? progress = null)
    {
        var figures = new Figures();
        var watch = Stopwatch.StartNew();
        var left = new Queue<int>();
        using var source = seeds.GetEnumerator();
        var isOver = false;
        var workers = Enumerable.Range(0, threads).Select(_ => new Thread(Work, 16 << 20)).ToList();
        workers.ForEach(worker => worker.Start());
        workers.ForEach(worker => worker.Join());
        return figures;

        bool TryNext(out int seed)
        {
            lock (left)
            {
                seed = 0;
                if (isOver || (limit is { } most && watch.Elapsed > most) || !source.MoveNext()) return false;
                seed = source.Current;
                return true;
            }
        }

        void Work()
        {
            while (TryNext(out var seed))
            {
                var result = RunOne(seed, only, mutant);
                figures.Add(result);
                each?.Invoke(result);
                if (stop?.Invoke(figures) == true) isOver = true;
                if (figures.Seeds % 100 == 0) progress?.Invoke(figures);
            }
        }
    }

    /// <summary>One seed; an exception out of the simulation itself is a failure of that seed.</summary>
    public static RunResult RunOne(int seed, IReadOnlySet<FaultKind>? only = null, Func<Mutant>? mutant = null, Action<string>? log = null)
    {
        var wrong = mutant?.Invoke();
        var plan = Plan.Of(seed, only, wrong?.IsQuiet == true);
        if (wrong is not null) plan = wrong.Direct(plan);
        try
        {
            return Simulation.Run(plan, wrong, log);
        }
        catch (Exception failure)
        {
            return new(plan, [new("No unexpected failure", failure.ToString())], 0, TimeSpan.Zero, 0, 0, 0, 0, 0, 0, 0, new Dictionary<string, long>());
        }
    }
}
