using System.Diagnostics;
using System.Globalization;

namespace Kv.Fuzz.Runs;

/// <summary>What all rounds so far add up to. Used by several threads.</summary>
internal sealed class Figures
{
    private readonly Lock _gate = new();
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly SortedDictionary<string, Row> _targets = [];
    private readonly List<Failure> _failures = [];
    private int _stalls;

    /// <summary>A copy.</summary>
    public IReadOnlyList<Failure> Failures
    {
        get
        {
            lock (_gate) return [.. _failures];
        }
    }

    public long Inputs
    {
        get
        {
            lock (_gate) return _targets.Values.Sum(row => row.Inputs);
        }
    }

    /// <summary>How many different outcomes a target had.</summary>
    public int OutcomesOf(string target)
    {
        lock (_gate) return _targets.TryGetValue(target, out var row) ? row.Outcomes.Count : 0;
    }

    public void Add(string target, int inputs, TimeSpan busy, IEnumerable<string> outcomes)
    {
        lock (_gate)
        {
            if (!_targets.TryGetValue(target, out var row)) _targets[target] = row = new();
            row.Inputs += inputs;
            row.Busy += busy;
            row.Outcomes.UnionWith(outcomes);
        }
    }

    public void Add(Failure failure)
    {
        lock (_gate) _failures.Add(failure);
    }

    /// <summary>An input was slow once, and not again.</summary>
    public void AddStall()
    {
        lock (_gate) _stalls++;
    }

    public string Progress()
    {
        lock (_gate) return Format($"{_targets.Values.Sum(row => row.Inputs)} inputs, {_failures.Count} failures, {_watch.Elapsed.TotalSeconds:F0} s");
    }

    public IEnumerable<string> Lines()
    {
        yield return Format($"{"target",-16} {"inputs",10} {"a second",10} {"outcomes",9} {"failures",9}");
        foreach (var (name, row) in _targets)
        {
            var failed = _failures.Count(failure => failure.Round.Target == name);
            yield return Format($"{name,-16} {row.Inputs,10} {row.Inputs / Math.Max(row.Busy.TotalSeconds, 0.001),10:F0} {row.Outcomes.Count,9} {failed,9}");
        }

        yield return Format($"{"all",-16} {_targets.Values.Sum(row => row.Inputs),10} {_targets.Values.Sum(row => row.Inputs) / _watch.Elapsed.TotalSeconds,10:F0} {_targets.Values.Sum(row => row.Outcomes.Count),9} {_failures.Count,9}");
        yield return Format($"{_watch.Elapsed.TotalSeconds:F0} s; {_stalls} inputs were slow once and not when they were handed in again");
    }

    /// <summary>Every outcome of a target, for a look at what is reached.</summary>
    public IEnumerable<string> OutcomeLines()
    {
        lock (_gate) return [.. _targets.SelectMany(target => target.Value.Outcomes.Order().Select(outcome => $"{target.Key}: {outcome}"))];
    }

    private static string Format(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private sealed class Row
    {
        public long Inputs { get; set; }

        public TimeSpan Busy { get; set; }

        public HashSet<string> Outcomes { get; } = [];
    }
}
