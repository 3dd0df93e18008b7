using System.Diagnostics;
using System.Globalization;
using Kv.Simulation.Faults;

namespace Kv.Simulation.Runs;

/// <summary>What all runs so far add up to. Used by several threads.</summary>
internal sealed class Figures
{
    private readonly Lock _gate = new();
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly SortedDictionary<string, long> _faults = [];
    private TimeSpan _virtual;
    private readonly TimeSpan _processorTimeBefore = Environment.CpuUsage.TotalTime;
    private long _operations;
    private long _acknowledged;
    private long _messages;
    private long _events;
    private long _sessionsGivenUp;
    private long _unanswered;
    private int _longestToken;

    public int Seeds { get; private set; }

    public List<RunResult> Failures { get; } = [];

    public void Add(RunResult result)
    {
        lock (_gate)
        {
            Seeds++;
            _virtual += result.VirtualTime;
            _operations += result.Operations;
            _acknowledged += result.Acknowledged;
            _messages += result.Messages;
            _events += result.Events;
            _sessionsGivenUp += result.SessionsGivenUp;
            _unanswered += result.Unanswered;
            _longestToken = Math.Max(_longestToken, result.LongestToken);
            foreach (var (kind, count) in result.Faults) _faults[kind] = _faults.GetValueOrDefault(kind) + count;
            if (!result.Passed) Failures.Add(result);
        }
    }

    public string Progress()
    {
        lock (_gate)
            return Format($"{Seeds} seeds, {_virtual.TotalHours:F1} virtual hours, {_operations} operations, {_faults.Values.Sum()} faults, {Failures.Count} failures, {_watch.Elapsed.TotalSeconds:F0} s");
    }

    public IEnumerable<string> Lines()
    {
        yield return Format($"seeds              {Seeds}, of which {Failures.Count} failed");
        yield return Format($"virtual time       {_virtual.TotalHours:F2} hours");
        var processor = Environment.CpuUsage.TotalTime - _processorTimeBefore;
        yield return Format($"real time          {_watch.Elapsed.TotalSeconds:F1} s, {processor.TotalSeconds:F1} s of processor time");
        yield return Format($"speed              {_virtual / processor:F0} x real time on one core");
        yield return Format($"operations         {_operations}, of which {_acknowledged} acknowledged and {_unanswered} never answered");
        yield return Format($"messages           {_messages}");
        yield return Format($"events             {_events}");
        yield return Format($"longest token      {_longestToken} characters");
        yield return Format($"sessions given up  {_sessionsGivenUp}");
        yield return Format($"faults             {_faults.Values.Sum()} injected");
        foreach (var (kind, count) in _faults) yield return Format($"  {FaultNames.NameOf(kind),-20} {count}");
    }

    private static string Format(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
