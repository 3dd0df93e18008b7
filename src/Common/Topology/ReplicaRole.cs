namespace Kv.Common.Topology;

/// <summary>What a node is to a shard.</summary>
public enum ReplicaRole
{
    None = 0,

    /// <summary>It gets everything and serves nothing yet.</summary>
    Joining = 1,

    /// <summary>It serves the shard, and what it holds counts.</summary>
    Member = 2,

    /// <summary>It serves no more and hands over what only it holds.</summary>
    Leaving = 3,
}
