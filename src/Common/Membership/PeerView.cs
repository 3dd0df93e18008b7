using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Migration;

namespace Kv.Common.Membership;

/// <summary>One other node as this node sees it. What a peer said about itself is kept when it falls silent, until another incarnation takes its address.</summary>
/// <param name="Address">Where the peer is.</param>
/// <param name="State">What is believed of it.</param>
/// <param name="IsMember">
/// False for a node of this cluster that beats here although this node's topology does not have it: it knows a newer epoch, or has not heard yet that it
/// was removed. It is never in the view; its epoch is worth reading.
/// </param>
/// <param name="Incarnation">Who it is; none while <see cref="PeerState.Unknown"/>.</param>
/// <param name="Epoch">Its topology's epoch.</param>
/// <param name="TopologyDigest">Equal to ours when its topology is ours.</param>
/// <param name="Vector">What it holds durably, as far as it was heard; what follows is empty or zero while nothing was.</param>
/// <param name="Place">The group whose ranges <paramref name="Vector"/> speaks of; null when none.</param>
/// <param name="Filling">How far it is with being filled; null when it is not.</param>
/// <param name="Owes">True while it keeps the log of a group that a reshard has ended, because somebody may need it.</param>
/// <param name="LiveKeys">How many keys it has.</param>
/// <param name="Ready">True when it said it can serve its shard.</param>
/// <param name="Complete">True when it said it has held all that its shard held.</param>
/// <param name="LastHeard">When its last beat arrived: monotonic, from the origin of the time provider's timestamps. Zero while nothing was heard.</param>
/// <param name="Suspicion">φ when this snapshot was made; see <see cref="FailureDetector.Suspicion"/>.</param>
/// <param name="ClockSkew">How far its wall clock is ahead of ours.</param>
public sealed record PeerView(
    NodeAddress Address,
    PeerState State,
    bool IsMember,
    Incarnation Incarnation,
    Epoch Epoch,
    ulong TopologyDigest,
    VersionVector Vector,
    ReplicaGroup? Place,
    FillReport? Filling,
    bool Owes,
    long LiveKeys,
    bool Ready,
    bool Complete,
    TimeSpan LastHeard,
    double Suspicion,
    TimeSpan ClockSkew)
{
    /// <summary>What it said of its replica together with <see cref="Vector"/>.</summary>
    public ReplicaReport Replica { get; init; } = ReplicaReport.None;

    /// <summary>How many requests for keys a second it said that it answers to clients.</summary>
    public uint RequestsPerSecond { get; init; }

    /// <summary>Whether it said that it is about to end.</summary>
    public DepartureStage Departure { get; init; }

    /// <summary>True when the peer belongs in the view: a member that is not known to be gone, or going.</summary>
    public bool IsLive => IsMember && State is (PeerState.Alive or PeerState.Suspect) && Departure is DepartureStage.Staying;

    /// <summary>True when this node hears the peer, so that a request sent to it can be expected to be answered.</summary>
    public bool IsReachable => IsMember && State is PeerState.Alive;
}
