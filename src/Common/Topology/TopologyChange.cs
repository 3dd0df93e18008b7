using System.Collections.Immutable;
using Kv.Common.Identity;

namespace Kv.Common.Topology;

/// <summary>A wish to change the topology, made by an operator or by a node. What it comes to is for <see cref="TopologyRules"/> to say.</summary>
public abstract record TopologyChange(OperationId Id)
{
    /// <summary>
    /// A node is to be a member: one that joins, without a shard; or one that is back at a member's address without its data, which then refills the
    /// shard it was in.
    /// </summary>
    public sealed record Admit(OperationId Id, TopologyMember Node) : TopologyChange(Id);

    /// <summary>A node is to serve its shard no more, and to hand over what only it holds.</summary>
    public sealed record Leave(OperationId Id, NodeAddress Address) : TopologyChange(Id);

    /// <summary>A node is to be a member no more: it has left, or is gone.</summary>
    public sealed record Remove(OperationId Id, NodeAddress Address) : TopologyChange(Id);

    /// <summary>A member without a shard is to replicate one.</summary>
    public sealed record AddReplica(OperationId Id, ShardId Shard, NodeAddress Address) : TopologyChange(Id);

    /// <summary>A node that joins a shard holds all of it now, and is to serve it.</summary>
    public sealed record Promote(OperationId Id, ShardId Shard, TopologyMember Node) : TopologyChange(Id);

    /// <summary>
    /// A member has been away so long that it is to be filled before it serves the shard again. It keeps its place and its data; what only it holds comes to the others when it
    /// is back.
    /// </summary>
    public sealed record Demote(OperationId Id, ShardId Shard, TopologyMember Node) : TopologyChange(Id);

    /// <summary>
    /// There are to be so many shards. Begins a reshard, whose name is the name of this wish. <paramref name="Live"/>: who is alive, as whoever wishes sees it.
    /// </summary>
    public sealed record BeginReshard(OperationId Id, int ShardCount, ImmutableArray<NodeAddress> Live) : TopologyChange(Id);

    /// <summary>The shards to be are to be the shards. <paramref name="Filled"/>: who holds all of the shard that it is placed in.</summary>
    public sealed record CommitReshard(OperationId Id, OperationId Reshard, ImmutableArray<TopologyMember> Filled) : TopologyChange(Id);

    /// <summary>A reshard is to be given up.</summary>
    public sealed record CancelReshard(OperationId Id, OperationId Reshard) : TopologyChange(Id);
}
