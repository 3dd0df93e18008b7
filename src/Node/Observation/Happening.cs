namespace Kv.Node.Observation;

/// <summary>Something that happened to the cluster, as this node saw it.</summary>
/// <param name="At">When it was noticed, by this node's wall clock.</param>
/// <param name="Kind">One of docs/console.md's, for programs.</param>
/// <param name="Text">The same for people: one sentence without its full stop.</param>
/// <param name="Node">Whom it happened to, as an address; null when it concerns no one node.</param>
internal sealed record Happening(DateTimeOffset At, string Kind, string Text, string? Node = null);
