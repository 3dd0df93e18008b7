using System.Collections.Immutable;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Migration;
using Kv.Common.Time;
using Kv.Node.Storage;

namespace Kv.Node.Replica;

/// <summary>What a replica holds durably, as of its last commit.</summary>
/// <param name="Checkpoint">As it is stored.</param>
/// <param name="Followed">The epoch of the topology that the writer has followed: the replica is what that one asks of it.</param>
/// <param name="UnmergedStamp">The greatest stamp from a peer that was too far ahead to be merged into the clock; zero if none.</param>
internal sealed record ReplicaSnapshot(ReplicaCheckpoint Checkpoint, Epoch Followed, HybridTimestamp UnmergedStamp)
{
    /// <inheritdoc cref="ReplicaCheckpoint.Place"/>
    public ReplicaGroup? Place => Checkpoint.Place;

    /// <inheritdoc cref="ReplicaCheckpoint.Vector"/>
    public VersionVector Vector => Checkpoint.Vector;

    /// <inheritdoc cref="ReplicaCheckpoint.LoggedAfter"/>
    public VersionVector LoggedAfter => Checkpoint.LoggedAfter;

    /// <inheritdoc cref="ReplicaCheckpoint.LiveKeys"/>
    public long LiveKeys => Checkpoint.LiveKeys;

    /// <summary>The clock's high-water mark.</summary>
    public HybridTimestamp Clock => Checkpoint.Clock;

    /// <summary>What the records of the place come to; nothing before the writer has followed a topology.</summary>
    public ArcSummary Held { get; init; }

    /// <summary>How many records were forgotten since the process began, deletions that everybody knows of and what a donor had no more: what was read elsewhere before may be older than they were.</summary>
    public long Forgotten { get; init; }

    /// <summary>
    /// How many entries the log has of what the place holds, at most: what a sequence skips, because it was for others, is counted too. A peer may say that it has come to any
    /// sequence; there are never more than <see cref="long.MaxValue"/>.
    /// </summary>
    public long LogRecords { get; } =
        (long)Math.Min(long.MaxValue, Checkpoint.Vector.Sum(dot => (decimal)(dot.Sequence - Math.Min(dot.Sequence, Checkpoint.LoggedAfter[dot.Origin]))));

    /// <summary>As told to the others with <see cref="Vector"/>.</summary>
    public ReplicaReport Report(NodeIdentity self) =>
        new(Followed, Held.LiveDigest, Held.Tombstones, Clock, Place is { } place ? LoggedAfter[new Origin(self.Incarnation, place)] : 0);

    public bool IsComplete => Checkpoint.IsComplete;

    public Fill? Fill => Checkpoint.Fill;

    public ImmutableArray<FormerPlace> Former => Checkpoint.Former;

    /// <summary>
    /// What is told to those who send: what the place holds, and of the groups that fill it what came by transfer and broadcast. A group is one or the
    /// other, never both.
    /// </summary>
    public VersionVector Received { get; } = ReceivedBy(Checkpoint);

    // Once for each snapshot: everybody who sends here waits for it.
    private static VersionVector ReceivedBy(ReplicaCheckpoint checkpoint)
    {
        if (checkpoint.Fill is not { } fill || fill.IsAgain(checkpoint.Place)) return checkpoint.Vector;
        var received = checkpoint.Vector;
        foreach (var source in fill.Sources) received = received.Join(source.Vector.OfGroups(group => group == source.Group));
        return received;
    }
}
