using System.Collections.Immutable;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Migration;
using Kv.Common.Time;

namespace Kv.Node.Storage;

/// <summary>
/// What a replica must remember beside its records, committed together with them.
/// </summary>
/// <param name="Place">The group whose ranges it holds, as far as <paramref name="Vector"/> says; null when none.</param>
/// <param name="Vector">Of every write that it covers, the effect is stored if its key is in the ranges of <paramref name="Place"/>.</param>
/// <param name="Clock">The high-water mark of the hybrid logical clock.</param>
/// <param name="LiveKeys">The exact number of keys in the ranges of <paramref name="Place"/> whose winner is not a tombstone.</param>
internal sealed record ReplicaCheckpoint(ReplicaGroup? Place, VersionVector Vector, HybridTimestamp Clock, long LiveKeys)
{
    public static readonly ReplicaCheckpoint Empty = new(null, VersionVector.Empty, HybridTimestamp.Zero, 0);

    /// <summary>What came by a scan: after that the log has, of the place's ranges, every write that <see cref="Vector"/> covers.</summary>
    public VersionVector LoggedAfter { get; init; } = VersionVector.Empty;

    /// <summary>True once it has held all that the group held.</summary>
    public bool IsComplete { get; init; }

    /// <summary>What it is being filled for; null when nothing.</summary>
    public Fill? Fill { get; init; }

    /// <summary>Ended groups that it was in, and of which somebody may still need its log.</summary>
    public ImmutableArray<FormerPlace> Former { get; init; } = [];
}
