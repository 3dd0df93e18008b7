namespace Kv.Simulation.Checkers;

internal static class AllCheckers
{
    /// <summary>Those that judge by what clients saw.</summary>
    public static readonly IReadOnlyList<IHistoryChecker> OfHistories =
    [
    ];
}
