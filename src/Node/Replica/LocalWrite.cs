using Kv.Common.Causality;
using Kv.Common.Identity;

namespace Kv.Node.Replica;

/// <summary>A write that this replica is to coordinate.</summary>
/// <param name="Past">The client's token, pruned; becomes the write's dependencies.</param>
internal sealed record LocalWrite(Key Key, ReadOnlyMemory<byte> Value, bool IsDeletion, CausalToken Past);
