using Kv.Common.Identity;
using Kv.Common.Replication;

namespace Kv.Node.Replica;

/// <summary>What became of a local write.</summary>
internal abstract record CommitResult
{
    private CommitResult()
    {
    }

    /// <summary>Durable here. <paramref name="Replaced"/>: the key had a value before.</summary>
    internal sealed record Committed(WriteRecord Record, bool Replaced) : CommitResult;

    /// <summary>A deletion of a key that has no value; nothing was written. <paramref name="Incumbent"/> is the tombstone, if there is one.</summary>
    internal sealed record NothingToDelete(WriteRecord? Incumbent) : CommitResult;

    /// <summary>A stamp that the write must exceed is too far ahead of the local clock; nothing was written.</summary>
    internal sealed record ClockSkew(long AheadMs) : CommitResult;

    /// <summary>The disk has no room for clients' writes; nothing was written.</summary>
    internal sealed record DiskFull : CommitResult
    {
        public static readonly DiskFull Instance = new();
    }

    /// <summary>The writer is behind with what it has; nothing was written.</summary>
    internal sealed record Overloaded : CommitResult
    {
        public static readonly Overloaded Instance = new();
    }

    /// <summary>The key's shard is not served here at this epoch; nothing was written.</summary>
    internal sealed record NotOwner(Epoch Epoch) : CommitResult;
}
