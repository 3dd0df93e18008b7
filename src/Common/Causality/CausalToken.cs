using Kv.Common.Identity;
using Kv.Common.Time;

namespace Kv.Common.Causality;

/// <summary>
/// What a client has seen, as it carries it from node to node: the epoch it was made in, the greatest stamp among what was seen, and the dots that
/// a replica must hold before it may answer. Clients see it only sealed (<see cref="CausalTokenCodec"/>).
/// </summary>
public sealed record CausalToken(Epoch Epoch, HybridTimestamp Stamp, Dependencies Dependencies)
{
    /// <summary>The token of a client that has seen nothing.</summary>
    public static readonly CausalToken None = new(default, HybridTimestamp.Zero, Dependencies.None);

    /// <summary>What a client has seen that has seen both.</summary>
    public CausalToken Join(CausalToken other) =>
        new(Epoch >= other.Epoch ? Epoch : other.Epoch, HybridTimestamp.Max(Stamp, other.Stamp), Dependencies.Join(other.Dependencies));

    /// <summary>The same token without what every member of the shards concerned is known to hold; never applied to a stored token.</summary>
    public CausalToken Prune(Func<ShardId, VersionVector> stableIn)
    {
        var pruned = Dependencies.Prune(stableIn);
        return ReferenceEquals(pruned, Dependencies) ? this : this with { Dependencies = pruned };
    }
}
