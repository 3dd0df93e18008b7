namespace Kv.Common.Topology;

/// <summary>Why a wish is not fulfilled. Values are those of the wire.</summary>
public enum ChangeRefusal
{
    None = 0,

    /// <summary>The address is no member's, or nobody has been admitted there.</summary>
    NotMember = 1,

    /// <summary>There is no such shard.</summary>
    UnknownShard = 2,

    /// <summary>The node serves or joins another shard.</summary>
    ServesAnotherShard = 3,

    /// <summary>Nobody else serves the node's shard: with it, the shard's data would go.</summary>
    LastReplica = 4,

    /// <summary>The node to promote does not join that shard, or is not the one that did.</summary>
    NotJoining = 5,

    /// <summary>The topology is the provisional one; it must be sealed first.</summary>
    NotSealed = 6,

    /// <summary>This very incarnation was removed; whoever comes in its place may be let in.</summary>
    WasRemoved = 7,

    /// <summary>A reshard is under way, and the change would get into its way.</summary>
    ReshardRunning = 8,

    /// <summary>Some shard to be would have fewer than two live nodes, or the ring cannot have so many shards, or none.</summary>
    NotEnoughNodes = 9,

    /// <summary>That reshard is not under way.</summary>
    NoSuchReshard = 10,

    /// <summary>Some shard to be has fewer than two nodes that hold all of it.</summary>
    NotFilled = 11,
}
