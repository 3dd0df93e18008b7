namespace Kv.Node.Changes;

/// <summary>What comes of the wish for a feed.</summary>
internal enum FeedOpening
{
    /// <summary>It runs.</summary>
    Open,

    /// <summary>It cannot go on where it was: deletions may have been missed.</summary>
    Forgotten,

    /// <summary>Some shard has no replica that answers, or the topology that the client knows of has not come here.</summary>
    Unavailable,

    /// <summary>No replica that was asked holds what the client's token names.</summary>
    PastMissing,
}
