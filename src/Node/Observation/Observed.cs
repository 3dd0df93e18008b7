namespace Kv.Node.Observation;

/// <summary>What the last look saw, and what has happened up to it. A new version with every look.</summary>
/// <param name="Looks">How many looks there were.</param>
/// <param name="Status">The cluster; null before the first look.</param>
/// <param name="Events">What happened.</param>
internal sealed record Observed(long Looks, StatusReport? Status, RecentEvents Events);
