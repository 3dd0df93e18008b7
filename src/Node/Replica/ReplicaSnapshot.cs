using Kv.Common.Causality;
using Kv.Common.Time;

namespace Kv.Node.Replica;

/// <summary>What a replica holds durably, as of its last commit.</summary>
/// <param name="Vector">Every write applied and synced.</param>
/// <param name="LiveKeys">Exact number of keys with a value.</param>
/// <param name="Clock">The clock's high-water mark.</param>
/// <param name="UnmergedStamp">The greatest stamp from a peer that was too far ahead to be merged into the clock; zero if none.</param>
internal sealed record ReplicaSnapshot(VersionVector Vector, long LiveKeys, HybridTimestamp Clock, HybridTimestamp UnmergedStamp);
