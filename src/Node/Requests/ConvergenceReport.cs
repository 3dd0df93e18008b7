using System.Collections.Immutable;
using Kv.Common.Identity;

namespace Kv.Node.Requests;

/// <summary>How far the replicas of every shard are from being equal.</summary>
internal sealed record ConvergenceReport(ImmutableArray<ShardConvergence> Shards)
{
    public bool IsConverged => Shards.All(shard => shard.IsConverged);
}

/// <summary>How far those of one shard are.</summary>
internal sealed record ShardConvergence(ShardId Shard, ImmutableArray<ReplicaConvergence> Replicas)
{
    public bool IsConverged => Replicas.All(replica => replica.State is ReplicaEquality.Equal);
}

/// <summary>How far one replica is.</summary>
/// <param name="Address">Whose.</param>
/// <param name="State">What is the matter with it.</param>
/// <param name="Lacks">How many writes that some replica of the shard holds, as last heard, it does not.</param>
/// <param name="Keys">Its live keys.</param>
/// <param name="Tombstones">Deletions that it still remembers; they may differ among equal replicas.</param>
/// <param name="Digest">Of its values.</param>
internal sealed record ReplicaConvergence(NodeAddress Address, ReplicaEquality State, ulong Lacks, long Keys, long Tombstones, ulong Digest);

/// <summary>What is the matter with a replica. The first that applies.</summary>
internal enum ReplicaEquality
{
    /// <summary>It holds everything, and what it holds comes to what the others have.</summary>
    Equal,

    /// <summary>Dead, suspected, or never heard by this node; the rest is as it was last heard.</summary>
    Unreachable,

    /// <summary>It is not of the group yet.</summary>
    Joining,

    /// <summary>It is pulling what differs, or being filled for what a reshard gives it.</summary>
    Refilling,

    /// <summary>It lacks writes.</summary>
    Behind,

    /// <summary>It holds every write, and yet something else than most of the others.</summary>
    Different,
}
