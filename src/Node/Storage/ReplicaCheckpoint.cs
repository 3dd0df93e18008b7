using Kv.Common.Causality;
using Kv.Common.Time;

namespace Kv.Node.Storage;

/// <summary>
/// What a replica must remember beside its records, committed together with them.
/// </summary>
/// <param name="Vector">Everything applied.</param>
/// <param name="Clock">The high-water mark of the hybrid logical clock.</param>
/// <param name="LiveKeys">The exact number of keys whose winner is not a tombstone.</param>
internal sealed record ReplicaCheckpoint(VersionVector Vector, HybridTimestamp Clock, long LiveKeys)
{
    public static readonly ReplicaCheckpoint Empty = new(VersionVector.Empty, HybridTimestamp.Zero, 0);
}
