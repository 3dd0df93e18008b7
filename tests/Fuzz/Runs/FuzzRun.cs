using Kv.Fuzz.Targets;

namespace Kv.Fuzz.Runs;

/// <summary>All rounds that a number of inputs comes to, on some threads.</summary>
internal static class FuzzRun
{
    /// <summary>How long an input may take, and when it is held to have hung.</summary>
    public static readonly TimeSpan Bound = TimeSpan.FromSeconds(2);

    /// <inheritdoc cref="Bound"/>
    public static readonly TimeSpan Hopeless = TimeSpan.FromSeconds(20);

    private const int RoundLength = 20_000;

    // A whole node over sockets takes a hundred times as long.
    private const int SocketShare = 500;

    /// <summary>Ends when everything was handed in, at the limit, or when an input hangs.</summary>
    public static async Task<Figures> RunAsync(IReadOnlyList<string> targets, long inputs, ulong seed, int parallel, TimeSpan? limit = null, Action<string>? tell = null)
    {
        var figures = new Figures();
        using var stop = new CancellationTokenSource();
        if (limit is { } after) stop.CancelAfter(after);
        var hung = new TaskCompletionSource();
        using var watchdog = new Watchdog(Bound, Hopeless, failure =>
        {
            figures.Add(failure);
            hung.TrySetResult();
        });
        var runner = new RoundRunner(AllTargets.OpenAsync, watchdog, figures);
        var rounds = new Queue<(RoundId Round, int Inputs)>(Plan(targets, inputs, seed));
        var workers = Enumerable.Range(0, parallel).Select(_ => Task.Run(WorkAsync)).ToList();
        await Task.WhenAny(Task.WhenAll(workers), hung.Task);
        stop.Cancel();
        // Whoever hangs is left where it is.
        if (!hung.Task.IsCompleted) await Task.WhenAll(workers);
        return figures;

        async Task WorkAsync()
        {
            while (!stop.IsCancellationRequested)
            {
                (RoundId Round, int Inputs) next;
                lock (rounds)
                {
                    if (!rounds.TryDequeue(out next)) return;
                }

                await runner.RunAsync(next.Round, next.Inputs, stop.Token);
                foreach (var line in figures.Failures.Where(failure => failure.Round == next.Round).SelectMany(failure => failure.Lines())) tell?.Invoke(line);
                tell?.Invoke($"{next.Round.Target} round {next.Round.Number} done: {figures.Progress()}");
            }
        }
    }

    /// <summary>One input, or one round, alone.</summary>
    public static async Task<Figures> ReplayAsync(string target, ulong seed, int? number, byte[]? input)
    {
        var figures = new Figures();
        using var watchdog = new Watchdog(Bound, Hopeless, figures.Add);
        var runner = new RoundRunner(AllTargets.OpenAsync, watchdog, figures);
        var round = new RoundId(target, seed, number ?? 0);
        if (input is null)
        {
            await runner.RunAsync(round, RoundLength, CancellationToken.None);
            return figures;
        }

        await using var opened = await AllTargets.OpenAsync(target, round.Draw);
        var (outcome, failure) = await runner.TryAsync(opened, round, 0, input);
        figures.Add(target, 1, TimeSpan.Zero, [outcome]);
        if (failure is not null) figures.Add(failure);
        return figures;
    }

    // Round after round of every target, so that a run that is cut short has looked at all of them.
    private static IEnumerable<(RoundId Round, int Inputs)> Plan(IReadOnlyList<string> targets, long inputs, ulong seed)
    {
        var weights = targets.Sum(AllTargets.WeightOf);
        var left = targets.ToDictionary(target => target, target => AllTargets.WeightOf(target) is > 0 and var weight ? inputs * weight / weights : Math.Max(inputs / SocketShare, 50));
        for (var number = 0; left.Values.Any(count => count > 0); number++)
        {
            foreach (var target in targets.Where(target => left[target] > 0))
            {
                var count = (int)Math.Min(RoundLength, left[target]);
                left[target] -= count;
                yield return (new(target, seed, number), count);
            }
        }
    }
}
