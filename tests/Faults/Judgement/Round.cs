using Kv.Faults.Load;
using Kv.Faults.Nemesis;
using Kv.Faults.Reports;
using Kv.Faults.Testbeds;
using Kv.Histories;
using Kv.TestSupport;

namespace Kv.Faults.Judgement;

/// <summary>
/// One round: sessions at work while things go wrong, then everything is healed, and then judged. Keys and history are the round's own, so what a run keeps in
/// memory does not grow with it.
/// </summary>
internal sealed class Round(ITestbed testbed, World world, TopologyWatch topology, SuiteClock clock, SuiteOptions options, RoundPlan plan, Availability availability, KeptWrites kept) : ISessionListener
{
    private const int Keys = 30;
    private const int KeptSample = 40;

    /// <summary>After everything is healed and the load has stopped, replicas are equal within this.</summary>
    private static readonly TimeSpan ConvergenceBound = TimeSpan.FromSeconds(30);

    // How much longer is waited, to know whether it comes at all.
    private static readonly TimeSpan LastBound = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan ChangeBound = TimeSpan.FromSeconds(90);

    private readonly RoundHistory _history = new(options.Seed, plan.Number, Keys, clock);
    private readonly Lock _gate = new();
    private readonly RoundReport _report = new(plan);
    private readonly List<LostDisk> _lostDisks = [];

    public long Now => clock.Now;

    /// <param name="stop">Ends the round early: what has begun is healed, and judged.</param>
    public async Task<RoundReport> RunAsync(CancellationToken stop)
    {
        // 1. Load, faults and the operator, all at once.
        var sessions = SessionHabits.All.Select((habits, number) => new Session(_history, testbed.Nodes, number, RandomOf(number), habits, this)).ToList();
        using var load = new CancellationTokenSource();
        var prober = new Prober(testbed, world, topology, clock, availability, $"{options.Seed}");
        Task[] atWork = [.. sessions.Select(session => session.RunAsync(load.Token)), prober.RunAsync(load.Token), kept.RunAsync(load.Token)];
        try
        {
            await DisturbAsync(stop);
        }
        finally
        {
            await load.CancelAsync();
            await Task.WhenAll(atWork);
        }

        // 2. All is healed, and the load has ended: the replicas become equal.
        await ConvergeAsync(measured: true);
        availability.Rest();
        if (_report.HasConverged) world.Rest();
        if (!_report.HasConverged) return Judge();

        // 3. Every session goes on where it likes, and is served.
        foreach (var unserved in (await Task.WhenAll(sessions.Select(session => session.GoOnAsync()))).OfType<(Operation Operation, KvAnswer? Answer)>())
        {
            if (!NamesLostWrites(unserved.Answer)) _report.Add(new Violation("Progress after healing", unserved.Operation.ToString()));
        }

        // 4. What is left is compared, on every replica, and judged.
        await ConvergeAsync(measured: false);
        if (_report.HasConverged)
        {
            _report.Add(await new FinalState(testbed, topology, _history).CompareAsync());
            _report.Add(await kept.CheckAsync(KeptSample));
        }

        return Judge();
    }

    public void Answered(Operation operation, KvAnswer? answer, string? wrong)
    {
        lock (_gate)
        {
            _report.Operations++;
            if (answer is not null) _report.Answered++;
            if (wrong is not null) _report.Add(new Violation("No unexpected answer", wrong));
        }
    }

    // Ends when everything is healed, the operator's change has happened, and the load has gone on for a while after that.
    private async Task DisturbAsync(CancellationToken stop)
    {
        var began = clock.Now;
        var victims = new Victims(testbed, topology);
        var runner = new FaultRunner(testbed, world, topology, victims, clock, Lose);
        var change = new ChangeRunner(testbed, world, topology, victims, clock, Lose);
        using var patience = new CancellationTokenSource();
        var changing = change.RunAsync(plan, RandomOf(SessionHabits.All.Count), patience.Token);
        Episode?[] episodes;
        try
        {
            episodes = await Task.WhenAll(plan.Faults.Select(fault => runner.RunAsync(fault, stop)));
        }
        catch
        {
            await patience.CancelAsync();
            await ((Task)changing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }

        foreach (var episode in episodes.OfType<Episode>())
        {
            _report.Episodes.Add(episode);
            if (episode.Problem is { } problem) _report.Add(new Violation("A node that is told to stop ends", problem));
        }

        await Task.Delay(plan.Aftermath, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        patience.CancelAfter(ChangeBound);
        try
        {
            _report.Change = await changing;
        }
        catch (OperationCanceledException)
        {
            _report.Add(new Violation("Progress after healing", $"{ChangeNames.Of(plan.Change)} has not happened {ChangeBound.TotalSeconds:0} s after all was healed; the last answer: {change.LastAnswer}"));
        }

        void Lose(LostDisk lost)
        {
            lock (_gate) _lostDisks.Add(lost);
            if (options.Excuses) kept.ExcuseLost(lost.At, began);
        }
    }

    // Of a session, or of the operator.
    private Random RandomOf(int number) => new(unchecked((((options.Seed * 7919) + plan.Number) * 101) + number));

    private async Task ConvergeAsync(bool measured)
    {
        var stopped = clock.Now;
        var convergence = new Convergence(testbed, topology, clock);
        var problem = await convergence.UntilWholeAsync(LastBound, CancellationToken.None);
        _report.HasConverged = problem is null;
        if (problem is not null)
        {
            _report.Add(new Violation("Replicas converge", $"not {LastBound.TotalSeconds:0} s after all was healed and nobody wrote any more: {problem}"));
        }
        else if (measured)
        {
            var since = _report.Episodes.Select(episode => episode.HealedAt).Append(stopped).Max();
            _report.EqualAfter = clock.Since(since);
            if (_report.EqualAfter > ConvergenceBound) _report.Add(new Violation("Replicas converge", $"only {_report.EqualAfter.Value.TotalSeconds:F1} s after all was healed and nobody wrote any more"));
        }
    }

    private RoundReport Judge()
    {
        var judge = new HistoryJudge(options.Excuses);
        _report.Add(judge.Judge(_history, _lostDisks));
        _report.Excused = judge.Excused;
        _report.History = _report.Violations.Count > 0 ? _history.Finished : null;
        return _report;
    }

    // A session that saw what one disk alone held is lost with that disk.
    private bool NamesLostWrites(KvAnswer? answer) =>
        AnswerReading.IsMissingPast(answer) && answer!.Member("missing").EnumerateArray().Select(dot => dot.GetString()!).All(dot => _lostDisks.Exists(lost => dot.Contains(lost.Incarnation, StringComparison.Ordinal)));
}
