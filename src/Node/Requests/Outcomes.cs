using Kv.Common.Causality;
using Kv.Common.Identity;

namespace Kv.Node.Requests;

/// <summary>Everything a request can end in. Doors translate each case; an exception means a bug or a lost machine.</summary>
internal abstract record Outcome
{
    private Outcome()
    {
    }

    /// <summary>The write is durable on <paramref name="Replicas"/> replicas. <paramref name="Token"/> is sealed.</summary>
    internal sealed record Stored(bool Deleted, bool Replaced, ReadOnlyMemory<byte> Token, ShardId Shard, int Replicas) : Outcome;

    /// <summary>The value, the client's past after reading it (<paramref name="Token"/>), and the token its write returned (<paramref name="Version"/>).</summary>
    internal sealed record Found(ReadOnlyMemory<byte> Value, ReadOnlyMemory<byte> Token, ReadOnlyMemory<byte> Version, ShardId Shard) : Outcome;

    /// <summary>The key has no value.</summary>
    internal sealed record Absent(ReadOnlyMemory<byte> Token, ShardId Shard) : Outcome;

    /// <summary>How many live keys a replica of <paramref name="Group"/> has, which holds <paramref name="Vector"/>.</summary>
    internal sealed record Counted(long LiveKeys, VersionVector Vector, ReplicaGroup Group, Epoch Epoch) : Outcome;

    /// <summary>
    /// The keys of a piece of the ring, ascending: it ends with <paramref name="Through"/>, which need not be among them, or, when that is null, where the listing was to end.
    /// <paramref name="Token"/> is the client's past after reading all of it, of deletions too. Of <paramref name="Group"/> alone, when one shard was asked.
    /// </summary>
    internal sealed record Listed(IReadOnlyList<ListedKey> Keys, Key? Through, ReadOnlyMemory<byte> Token, ReplicaGroup Group, Epoch Epoch) : Outcome;

    /// <summary>The client's past did not arrive in time.</summary>
    internal sealed record DependenciesMissing(ShardId Shard, VersionVector Missing) : Outcome;

    /// <summary>No replica of the shard could be reached, or the one that was reached was lost before it answered a write.</summary>
    internal sealed record ShardUnavailable(ShardId Shard, bool MayHaveBeenWritten) : Outcome;

    /// <summary>Fewer replicas than asked for hold the write. <paramref name="Replicas"/> zero: it was not written at all.</summary>
    internal sealed record WriteConcernNotMet(ShardId Shard, int Required, int Replicas) : Outcome;

    /// <summary>This node does not serve the key's shard at <paramref name="Epoch"/>.</summary>
    internal sealed record NotOwner(Epoch Epoch) : Outcome;

    /// <summary>A stamp is ahead of this node's clock by more than may be merged, but could be an honest skew.</summary>
    internal sealed record ClockSkew(long AheadMs) : Outcome;

    /// <summary>The token's stamp is further ahead than any honest clock.</summary>
    internal sealed record StampOutOfRange(long AheadMs) : Outcome;

    internal sealed record TokenRejected(TokenRejection Reason) : Outcome;

    /// <summary>More is asked of a node than it can do. Nothing was written.</summary>
    internal sealed record Overloaded : Outcome;

    /// <summary>The replica's disk has no room for clients' writes. Nothing was written.</summary>
    internal sealed record InsufficientStorage(ShardId Shard) : Outcome;
}
