using Kv.Faults.Nemesis;

namespace Kv.Faults;

/// <summary>What a run of the suite is to do.</summary>
internal sealed record SuiteOptions
{
    public int Seed { get; init; } = 1;

    /// <summary>No round begins after it.</summary>
    public TimeSpan Duration { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>No more rounds than that, whatever the time.</summary>
    public int MostRounds { get; init; } = int.MaxValue;

    public IReadOnlyList<FaultKind> Faults { get; init; } = FaultNames.Usual;

    /// <summary>How long a fault lasts, at least and at most. Less than the detection window leaves nothing to be judged.</summary>
    public (TimeSpan Least, TimeSpan Most) Hold { get; init; } = (TimeSpan.FromSeconds(6), TimeSpan.FromSeconds(12));

    /// <summary>False to hold the cluster to more than it promises, which shows that the suite can fail.</summary>
    public bool Excuses { get; init; } = true;
}
