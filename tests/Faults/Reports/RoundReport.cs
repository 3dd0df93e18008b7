using Kv.Faults.Nemesis;
using Kv.Histories;

namespace Kv.Faults.Reports;

/// <summary>What came of one round.</summary>
internal sealed class RoundReport(RoundPlan plan)
{
    private const int MostViolations = 20;

    private readonly List<Violation> _violations = [];

    public RoundPlan Plan => plan;

    public List<Episode> Episodes { get; } = [];

    /// <summary>What the operator did; null for nothing.</summary>
    public string? Change { get; set; }

    public int Operations { get; set; }

    public int Answered { get; set; }

    /// <summary>Acknowledged writes that were lost with the only disk that had them, as none promised they would not be.</summary>
    public int Excused { get; set; }

    public bool HasConverged { get; set; }

    /// <summary>From when all was healed and nobody wrote any more until every replica held the same; null when that did not come.</summary>
    public TimeSpan? EqualAfter { get; set; }

    public IReadOnlyList<Violation> Violations => _violations;

    /// <summary>Kept only when a promise was broken.</summary>
    public ClientHistory? History { get; set; }

    public void Add(Violation violation)
    {
        if (_violations.Count < MostViolations) _violations.Add(violation);
    }

    public void Add(IEnumerable<Violation> violations)
    {
        foreach (var violation in violations) Add(violation);
    }
}
