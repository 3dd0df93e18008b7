using Kv.Common.Identity;

namespace Kv.Common.Topology;

/// <summary>How a reshard ended.</summary>
/// <param name="Id">The wish that began it.</param>
/// <param name="Committed">False when it was cancelled, also by a forced recovery.</param>
public sealed record ReshardEnd(OperationId Id, bool Committed);
