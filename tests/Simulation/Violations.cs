using Kv.Histories;

namespace Kv.Simulation;

/// <summary>The broken promises of one run, with the virtual time of each; the first few are enough.</summary>
internal sealed class Violations(Func<long> now)
{
    private const int MostRemembered = 20;

    private readonly List<Violation> _all = [];

    public IReadOnlyList<Violation> All => _all;

    public bool Any => _all.Count > 0;

    public void Add(string promise, string what)
    {
        if (_all.Count < MostRemembered) _all.Add(new(promise, $"{what} [at {TimeSpan.FromTicks(now()).TotalSeconds:F3} s]"));
    }

    public void Add(IEnumerable<Violation> violations)
    {
        foreach (var violation in violations.Take(MostRemembered - _all.Count)) _all.Add(violation);
    }
}
