using System.Collections.Immutable;
using Kv.Common.Identity;
using Kv.Common.Migration;
using Kv.Common.Topology;
using Kv.Node.Migration;
using Kv.Node.Requests;

namespace Kv.Node.Observation;

/// <summary>The cluster as one node sees it at one moment. docs/console.md says what each member means to those who read it as JSON.</summary>
/// <param name="Self">Who says so.</param>
/// <param name="At">When, by its wall clock.</param>
/// <param name="Topology">What it acts on.</param>
/// <param name="Nodes">Every member, itself included, and whoever else beats here; by address.</param>
/// <param name="Convergence">How far the replicas of every shard are from being equal.</param>
/// <param name="Reshard">The one under way, or null.</param>
/// <param name="LastSeen">How far the last one was that this process looked after, or null.</param>
internal sealed record StatusReport(
    NodeIdentity Self,
    DateTimeOffset At,
    ClusterTopology Topology,
    ImmutableArray<NodeStatus> Nodes,
    ConvergenceReport Convergence,
    ReshardReport? Reshard,
    ReshardReport? LastSeen)
{
    /// <summary>The live keys of a shard: what the fullest of its replicas that are there says it has.</summary>
    public long KeysOf(ShardId shard) => Convergence.Shards.Where(each => each.Shard == shard).SelectMany(each => each.Replicas)
        .Where(replica => replica.State is not (ReplicaEquality.Joining or ReplicaEquality.Unreachable)).Select(replica => replica.Keys).DefaultIfEmpty().Max();
}

/// <summary>What is known of one node.</summary>
/// <param name="Address">Where it is.</param>
/// <param name="Incarnation">Who it is; none while it was never heard.</param>
/// <param name="Condition">In one word.</param>
/// <param name="IsMember">False for one that beats here without being a member.</param>
/// <param name="Shard">The one it replicates, or null.</param>
/// <param name="Role">What it is to that shard.</param>
/// <param name="Epoch">The topology it acts on.</param>
/// <param name="Keys">Its live keys.</param>
/// <param name="RequestsPerSecond">Clients' requests for keys that it answers.</param>
/// <param name="Replica">How its replica compares with the shard's others; null when it has none.</param>
/// <param name="Filling">How far it is with being filled, or null.</param>
/// <param name="LastHeard">How long ago; null for the node itself, and while it was never heard.</param>
/// <param name="Suspicion">The failure detector's φ.</param>
/// <param name="ClockSkew">How far its wall clock is ahead.</param>
/// <param name="Reason">Why it is not ready, where that is known: of the node itself.</param>
internal sealed record NodeStatus(
    NodeAddress Address,
    Incarnation Incarnation,
    NodeCondition Condition,
    bool IsMember,
    ShardId? Shard,
    ReplicaRole Role,
    Epoch Epoch,
    long Keys,
    double RequestsPerSecond,
    ReplicaConvergence? Replica,
    FillReport? Filling,
    TimeSpan? LastHeard,
    double Suspicion,
    TimeSpan ClockSkew,
    string? Reason);

/// <summary>What is the matter with a node. The first that applies.</summary>
internal enum NodeCondition
{
    /// <summary>Silent, and nobody who was asked hears it.</summary>
    Dead,

    /// <summary>Silent for too long here; others may hear it.</summary>
    Suspected,

    /// <summary>Never heard since this process started.</summary>
    Unknown,

    /// <summary>On its way to become a member of its shard.</summary>
    Joining,

    /// <summary>Alive, and it says that it cannot serve.</summary>
    NotReady,

    /// <summary>Alive and well.</summary>
    Alive,
}
