namespace Kv.Faults.Nemesis;

/// <summary>What the operator does in a round.</summary>
internal enum ChangeKind
{
    None,

    /// <summary>Another number of shards: 3 where there are 2, 2 where there are 3.</summary>
    Reshard,

    /// <summary>A node is removed, let in again as a new one, and given its shard again.</summary>
    Replace,
}

/// <param name="Kind">What goes wrong.</param>
/// <param name="After">When, since the round began.</param>
/// <param name="Hold">How long it lasts.</param>
/// <param name="Seed">Of what is left to chance: whom it hits, and how hard.</param>
internal sealed record PlannedFault(FaultKind Kind, TimeSpan After, TimeSpan Hold, int Seed)
{
    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{FaultNames.Of(Kind)} after {After.TotalSeconds:F1} s for {Hold.TotalSeconds:F1} s");
}

/// <param name="Number">From 1.</param>
/// <param name="Faults">One, or two at a time.</param>
/// <param name="Change">What the operator does meanwhile.</param>
/// <param name="ChangeAfter">When, since the round began.</param>
/// <param name="Aftermath">How long the load goes on when everything is healed.</param>
internal sealed record RoundPlan(int Number, IReadOnlyList<PlannedFault> Faults, ChangeKind Change, TimeSpan ChangeAfter, TimeSpan Aftermath)
{
    public override string ToString() => $"round {Number}: {string.Join(", ", Faults)}{(Change is ChangeKind.None ? "" : $"; {ChangeNames.Of(Change)}")}";
}

/// <summary>
/// Draws the rounds of a run by its seed. Every kind of fault comes about equally often; what no promise survives does not come: no more than one disk of a
/// shard is lost in a round, none besides while keys move or a member is replaced, and none when another fault keeps a second replica away.
/// </summary>
internal sealed class RoundPlans(int seed, IReadOnlyList<FaultKind> kinds, (TimeSpan Least, TimeSpan Most) hold)
{
    private readonly Random _random = new(seed);
    private readonly Queue<FaultKind> _deck = [];
    private int _number;

    public RoundPlan Next()
    {
        var first = Draw();
        List<PlannedFault> faults = [Plan(first, Between(2, 3))];
        if (!IsAlone(first) && _random.Next(3) == 0 && kinds.Where(kind => GoesWith(first, kind)).ToList() is { Count: > 0 } others)
            faults.Add(Plan(others[_random.Next(others.Count)], Between(2, 8)));
        var change = _random.Next(10) switch
        {
            < 4 => ChangeKind.Reshard,
            < 6 when !faults.Exists(fault => LosesDisks(fault.Kind)) => ChangeKind.Replace,
            _ => ChangeKind.None,
        };
        if (first is FaultKind.TwoWipes or FaultKind.IsolatedWipe) change = ChangeKind.None;
        return new(++_number, faults, change, Between(1, 6), Between(0, 4));
    }

    private static bool LosesDisks(FaultKind kind) => kind is FaultKind.Wipe or FaultKind.TwoWipes or FaultKind.IsolatedWipe;

    private static bool IsAlone(FaultKind kind) => kind is FaultKind.TwoWipes or FaultKind.IsolatedWipe or FaultKind.PowerCut or FaultKind.FullDisk;

    private static bool GoesWith(FaultKind first, FaultKind second) => second != first && !IsAlone(second) && !(LosesDisks(first) && CutsLinks(second)) && !(CutsLinks(first) && LosesDisks(second));

    private static bool CutsLinks(FaultKind kind) => kind is FaultKind.Isolation or FaultKind.Partition or FaultKind.OneWay or FaultKind.Bridge;

    private FaultKind Draw()
    {
        if (_deck.Count == 0)
        {
            FaultKind[] shuffled = [.. kinds];
            _random.Shuffle(shuffled);
            foreach (var kind in shuffled) _deck.Enqueue(kind);
        }

        return _deck.Dequeue();
    }

    private PlannedFault Plan(FaultKind kind, TimeSpan after) => new(kind, after, Between(hold.Least.TotalSeconds, hold.Most.TotalSeconds), _random.Next());

    private TimeSpan Between(double seconds, double other) => TimeSpan.FromSeconds(seconds + (_random.NextDouble() * (other - seconds)));
}

/// <summary>The names of changes in reports.</summary>
internal static class ChangeNames
{
    public static string Of(ChangeKind change) => change switch
    {
        ChangeKind.Reshard => "reshard",
        ChangeKind.Replace => "replacing a node",
        _ => "no change",
    };
}
