namespace Kv.ReshardBench;

/// <summary>Milliseconds, sorted.</summary>
internal sealed record Latencies(IReadOnlyList<double> Sorted)
{
    public int Count => Sorted.Count;

    public double Longest => Sorted.Count == 0 ? 0 : Sorted[^1];

    /// <summary>The least that so many of the requests, 0 to 1, did not exceed.</summary>
    public double Percentile(double share) => Sorted.Count == 0 ? 0 : Sorted[Math.Min(Sorted.Count - 1, (int)Math.Ceiling(share * Sorted.Count) - 1)];
}
