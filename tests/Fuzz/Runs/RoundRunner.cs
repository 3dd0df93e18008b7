using System.Diagnostics;
using Kv.Fuzz.Targets;

namespace Kv.Fuzz.Runs;

/// <summary>Runs one round, and judges what no target can judge by itself: that nothing is thrown, and how long it takes.</summary>
internal sealed class RoundRunner(Func<string, ulong, Task<IFuzzTarget>> open, Watchdog watchdog, Figures figures)
{
    /// <summary>A round that has failed so often is not gone on with: what follows is mostly the same again.</summary>
    private const int MostFailures = 3;

    /// <summary>Hands in <paramref name="inputs"/> inputs, fewer when it fails often or <paramref name="stop"/> is requested.</summary>
    public async Task RunAsync(RoundId round, int inputs, CancellationToken stop)
    {
        var began = Stopwatch.GetTimestamp();
        var random = new Random(unchecked((int)(round.Draw ^ (round.Draw >> 32))));
        var corpus = new Corpus();
        var failures = 0;
        var index = 0;
        await using (var target = await open(round.Target, round.Draw))
        {
            for (; index < inputs && failures < MostFailures && !stop.IsCancellationRequested; index++)
            {
                var input = target.Generate(random, corpus);
                var (outcome, failure) = await TryAsync(target, round, index, input);
                if (failure is null)
                {
                    corpus.Learn(input, outcome);
                    continue;
                }

                figures.Add(failure);
                failures++;
            }
        }

        figures.Add(round.Target, index, Stopwatch.GetElapsedTime(began), corpus.Outcomes);
    }

    /// <summary>One input.</summary>
    public async Task<(string Outcome, Failure? Failure)> TryAsync(IFuzzTarget target, RoundId round, int index, byte[] input)
    {
        var (outcome, failure, elapsed) = await OnceAsync(target, round, index, input);
        if (failure is not null || elapsed < watchdog.Bound) return (outcome, failure);

        // A busy machine, or a slow input? Only the second one is slow again.
        figures.AddStall();
        (outcome, failure, elapsed) = await OnceAsync(target, round, index, input);
        return failure is not null || elapsed < watchdog.Bound
            ? (outcome, failure)
            : (outcome, new(round, index, input, $"takes {elapsed.TotalSeconds:0.0} s, twice; the bound is {watchdog.Bound.TotalSeconds:0.#} s"));
    }

    private async Task<(string Outcome, Failure? Failure, TimeSpan Elapsed)> OnceAsync(IFuzzTarget target, RoundId round, int index, byte[] input)
    {
        var entry = watchdog.Enter(round, index, input);
        try
        {
            var outcome = await target.RunAsync(input);
            return (outcome, null, watchdog.Leave(entry));
        }
        catch (BrokenPromiseException broken)
        {
            return ("", new(round, index, input, broken.Message), watchdog.Leave(entry));
        }
        catch (Exception thrown)
        {
            return ("", new(round, index, input, thrown.ToString()), watchdog.Leave(entry));
        }
    }
}
