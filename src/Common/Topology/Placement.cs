using Kv.Common.Identity;

namespace Kv.Common.Topology;

/// <summary>What one node is to do in one epoch: nothing, or to replicate a shard in some role.</summary>
/// <param name="Shard">Null when it replicates none.</param>
public readonly record struct Placement(ShardMembers? Shard, ReplicaRole Role)
{
    public static readonly Placement None = new(null, ReplicaRole.None);

    /// <summary>True when the node serves that shard.</summary>
    public bool Serves(ShardId shard) => Role is ReplicaRole.Member && Shard!.Id == shard;

    internal static Placement In(ShardMembers shard, NodeAddress node) =>
        new(shard, shard.Includes(node) ? ReplicaRole.Member : shard.Joining.Contains(node) ? ReplicaRole.Joining : ReplicaRole.Leaving);
}
