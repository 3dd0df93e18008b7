using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Migration;

namespace Kv.Node.Membership;

/// <summary>What a node says about itself, every heartbeat interval.</summary>
/// <param name="Cluster">The sender's cluster; a receiver of another one ends the stream.</param>
/// <param name="From">Where the sender is.</param>
/// <param name="Incarnation">Who the sender is.</param>
/// <param name="Epoch">The sender's topology.</param>
/// <param name="TopologyDigest">Equal for equal topologies.</param>
/// <param name="Vector">What the sender holds durably.</param>
/// <param name="Place">The group whose ranges <paramref name="Vector"/> speaks of; null when none.</param>
/// <param name="Filling">How far the sender is with being filled; null when it is not.</param>
/// <param name="Owes">True while the sender keeps the log of a group that a reshard has ended, because somebody may need it.</param>
/// <param name="LiveKeys">How many keys the sender has.</param>
/// <param name="SentUnixMs">The sender's wall clock, for the skew metric only; liveness is never judged by it.</param>
/// <param name="Ready">True while the sender can serve its shard.</param>
/// <param name="Complete">True once the sender has held all that its shard held; a node without earlier data measures itself by those.</param>
internal sealed record Heartbeat(
    ClusterId Cluster,
    NodeAddress From,
    Incarnation Incarnation,
    Epoch Epoch,
    ulong TopologyDigest,
    VersionVector Vector,
    ReplicaGroup? Place,
    FillReport? Filling,
    bool Owes,
    long LiveKeys,
    long SentUnixMs,
    bool Ready,
    bool Complete)
{
    /// <summary>What the sender says of its replica beside <see cref="Vector"/>, and of the same moment.</summary>
    public ReplicaReport Replica { get; init; } = ReplicaReport.None;

    /// <summary>How many requests for keys a second the sender answers to clients; for people to see.</summary>
    public uint RequestsPerSecond { get; init; }

    /// <summary>Whether the sender is about to end.</summary>
    public DepartureStage Departure { get; init; }
}
