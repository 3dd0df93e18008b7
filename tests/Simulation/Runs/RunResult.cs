using Kv.Histories;

namespace Kv.Simulation.Runs;

/// <summary>What became of one run.</summary>
internal sealed record RunResult(
    Plan Plan,
    IReadOnlyList<Violation> Violations,
    ulong TraceHash,
    TimeSpan VirtualTime,
    int Operations,
    int Acknowledged,
    long Events,
    long Messages,
    int LongestToken,
    int SessionsGivenUp,
    int Unanswered,
    IReadOnlyDictionary<string, long> Faults)
{
    public bool Passed => Violations.Count == 0;
}
