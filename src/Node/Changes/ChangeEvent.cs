using Kv.Common.Changes;
using Kv.Common.Identity;
using Kv.Common.Replication;

namespace Kv.Node.Changes;

/// <summary>What a feed tells its client.</summary>
internal abstract record ChangeEvent
{
    private ChangeEvent()
    {
    }

    /// <summary>A write or a deletion.</summary>
    /// <param name="Point">Where to go on after it; null within a snapshot.</param>
    internal sealed record Changed(WriteRecord Record, ShardId Shard, ResumePoint? Point) : ChangeEvent;

    /// <summary>Everything up to the point was told, also of a snapshot that was begun.</summary>
    internal sealed record Checkpoint(ResumePoint Point) : ChangeEvent;

    /// <summary>What follows, up to the next checkpoint, is the state as it is, in no order.</summary>
    /// <param name="IsAll">All of it: what the client has from before is to be forgotten. Else only what has changed.</param>
    internal sealed record Snapshot(bool IsAll) : ChangeEvent;

    /// <summary>There is nothing to tell.</summary>
    /// <param name="Reason">Why not.</param>
    internal sealed record Idle(string Reason) : ChangeEvent;

    /// <summary>It cannot go on from where it is: the client has to begin anew.</summary>
    /// <param name="IsOutrun">Because the logs were trimmed again and again before a snapshot was whole; else because deletions may have been missed.</param>
    internal sealed record Reset(bool IsOutrun) : ChangeEvent;
}
