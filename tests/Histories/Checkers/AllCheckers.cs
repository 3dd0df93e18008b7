namespace Kv.Histories.Checkers;

internal static class AllCheckers
{
    /// <summary>Those that judge by what clients saw.</summary>
    public static readonly IReadOnlyList<IHistoryChecker> OfHistories =
    [
        new ThinAirChecker(),
        new DurableReadChecker(),
        new CausalConsistencyChecker(),
        new ReadYourWrites(),
        new MonotonicReads(),
        new MonotonicWrites(),
        new WritesFollowReads(),
        new ConvergenceOrderChecker(),
        new LostWriteChecker(),
        new TokenSizeChecker(),
    ];
}
