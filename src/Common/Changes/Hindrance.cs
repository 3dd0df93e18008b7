namespace Kv.Common.Changes;

/// <summary>Why <see cref="ChangeMerge"/> has no next change.</summary>
public enum Hindrance
{
    /// <summary>All that was told has been passed.</summary>
    Nothing,

    /// <summary>The replicas have more than they told at once, or it came too late for this round: the next round goes on.</summary>
    Unread,

    /// <summary>Some shard has not answered in this round.</summary>
    Silence,

    /// <summary>The next change depends on a write that the replica which was asked does not hold yet.</summary>
    Dependency,

    /// <summary>The next change was made by somebody who knew a newer topology.</summary>
    Epoch,
}
