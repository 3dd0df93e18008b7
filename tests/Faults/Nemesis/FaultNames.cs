namespace Kv.Faults.Nemesis;

/// <summary>The names of faults on the command line and in reports.</summary>
internal static class FaultNames
{
    private static readonly (FaultKind Kind, string Name)[] Names =
    [
        (FaultKind.Kill, "kill"),
        (FaultKind.Stop, "stop"),
        (FaultKind.Wipe, "wipe"),
        (FaultKind.TwoWipes, "two-wipes"),
        (FaultKind.Pause, "pause"),
        (FaultKind.Isolation, "isolation"),
        (FaultKind.Partition, "partition"),
        (FaultKind.OneWay, "one-way"),
        (FaultKind.Bridge, "bridge"),
        (FaultKind.Loss, "loss"),
        (FaultKind.Delay, "delay"),
        (FaultKind.Bandwidth, "bandwidth"),
        (FaultKind.SlowDisk, "slow-disk"),
        (FaultKind.FullDisk, "full-disk"),
        (FaultKind.PowerCut, "power-cut"),
        (FaultKind.IsolatedWipe, "isolated-wipe"),
    ];

    public static IReadOnlyList<string> All { get; } = [.. Names.Select(each => each.Name)];

    /// <summary>
    /// What a run does unless it is told. Not the full disk, as long as a node cannot say that it has none left; nor what loses writes that nobody promised to keep.
    /// </summary>
    public static IReadOnlyList<FaultKind> Usual { get; } = [.. Names.Select(each => each.Kind).Except([FaultKind.FullDisk, FaultKind.IsolatedWipe])];

    public static string Of(FaultKind kind) => Names.First(each => each.Kind == kind).Name;

    /// <summary>Null when nothing is called that.</summary>
    public static FaultKind? Parse(string name) => Names.Where(each => each.Name == name).Select(each => (FaultKind?)each.Kind).FirstOrDefault();
}
