using Kv.Common.Identity;

namespace Kv.Common.Topology;

/// <summary>
/// What decides who owns which keys now, and who is to own them. Equal scopes mean the same to two nodes, whatever their epochs: the two ends of a stream compare
/// theirs.
/// </summary>
/// <param name="Layout">The layout in force.</param>
/// <param name="Reshard">The reshard under way; zero when there is none.</param>
public readonly record struct LayoutScope(int Layout, OperationId Reshard);
