using Kv.Common.Identity;
using Kv.Common.Time;

namespace Kv.Common.Membership;

/// <summary>What a node says of its replica beside its vector; of the same moment, so that equal vectors with different digests are a finding.</summary>
/// <param name="Followed">The epoch that the replica's writer has followed: what it takes in from then on is what that topology lets it. Zero before the first.</param>
/// <param name="LiveDigest">The digest of the place's values, deletions left out: replicas of a group with equal vectors agree on it.</param>
/// <param name="Tombstones">How many deletions it still remembers.</param>
/// <param name="Clock">Its hybrid logical clock: every later write of the node has a greater stamp.</param>
/// <param name="LogAfter">Its log has its own writes to the place only after this sequence: who lacks earlier ones cannot get them by broadcast.</param>
public sealed record ReplicaReport(Epoch Followed, ulong LiveDigest, long Tombstones, HybridTimestamp Clock, ulong LogAfter)
{
    public static readonly ReplicaReport None = new(default, 0, 0, HybridTimestamp.Zero, 0);
}
