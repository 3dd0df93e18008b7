using Kv.Faults.Load;
using Kv.Faults.Nemesis;
using Kv.Histories;

namespace Kv.Faults.Reports;

/// <summary>What came of a run.</summary>
internal sealed class SuiteReport(string testbed, SuiteOptions options)
{
    private readonly Dictionary<string, KindFigures> _byKind = [];
    private readonly List<Violation> _atTheEnd = [];

    public string Testbed => testbed;

    public SuiteOptions Options => options;

    public Availability Availability { get; } = new();

    public List<(FaultKind Kind, string Reason)> Skipped { get; } = [];

    public List<(string Node, string Tail)> Logs { get; } = [];

    public List<RoundReport> BrokenRounds { get; } = [];

    public IReadOnlyList<Violation> AtTheEnd => _atTheEnd;

    /// <summary>Why the suite itself could not go on; null when it could.</summary>
    public string? Failure { get; set; }

    public int Rounds { get; private set; }

    public long Operations { get; private set; }

    public long Answered { get; private set; }

    public int Excused { get; private set; }

    public TimeSpan Took { get; private set; }

    public int Kept { get; private set; }

    public int KeptExcused { get; private set; }

    public long KeptReads { get; private set; }

    /// <summary>Views of nodes to whom nothing was done, and in how many of them another such node was missing.</summary>
    public (int Looks, int Accusations, IReadOnlyList<string> Examples) Views { get; private set; } = (0, 0, []);

    public TimeSpan LongestOwnPause { get; private set; }

    public int Violations => BrokenRounds.Sum(round => round.Violations.Count) + _atTheEnd.Count;

    /// <summary>Faults and changes by name.</summary>
    public IReadOnlyDictionary<string, KindFigures> ByKind => _byKind;

    public void Add(RoundReport round)
    {
        Rounds++;
        Operations += round.Operations;
        Answered += round.Answered;
        Excused += round.Excused;
        if (round.Violations.Count > 0) BrokenRounds.Add(round);
        foreach (var episode in round.Episodes)
        {
            var figures = Of(FaultNames.Of(episode.Kind));
            figures.Episodes++;
            figures.Detections.AddRange(episode.Detections);
            if (round.EqualAfter is { } equal) figures.EqualAfter.Add(equal);
        }

        if (round.Change is null) return;
        var change = Of(ChangeNames.Of(round.Plan.Change));
        change.Episodes++;
        if (round.EqualAfter is { } equalAfterChange) change.EqualAfter.Add(equalAfterChange);
    }

    public void AddAtTheEnd(IEnumerable<Violation> violations) => _atTheEnd.AddRange(violations);

    public void Finish(SuiteClock clock, KeptWrites kept, AccusationWatch accusations, TimeSpan longestOwnPause)
    {
        (Took, Kept, KeptExcused, KeptReads, LongestOwnPause) = (TimeSpan.FromTicks(clock.Now), kept.Count, kept.Excused, kept.Reads, longestOwnPause);
        Views = (accusations.Looks, accusations.Accusations, accusations.Examples);
    }

    private KindFigures Of(string name) => _byKind.TryGetValue(name, out var figures) ? figures : _byKind[name] = new();
}

/// <summary>What was measured of one kind of fault or change.</summary>
internal sealed class KindFigures
{
    public int Episodes { get; set; }

    /// <summary>Null where the node was still in somebody's view when the fault was healed.</summary>
    public List<TimeSpan?> Detections { get; } = [];

    public List<TimeSpan> EqualAfter { get; } = [];
}
