using Kv.Common.Identity;
using Kv.Common.Time;

namespace Kv.Common.Causality;

/// <summary>
/// What a client has seen, as it carries it from node to node: the epoch it was made in, the greatest stamp among what was seen, and the dots that
/// a replica must hold before it may answer, as far as they concern it. Clients see it only sealed (<see cref="CausalTokenCodec"/>).
/// </summary>
/// <param name="Dependencies">
/// Sparse: entries known stable may be absent; one that is present stands for every write of that origin up to it. The origin says in which replica group it
/// wrote, so any node can judge a token without knowing which incarnation served what, when.
/// </param>
public sealed record CausalToken(Epoch Epoch, HybridTimestamp Stamp, VersionVector Dependencies)
{
    /// <summary>The token of a client that has seen nothing.</summary>
    public static readonly CausalToken None = new(default, HybridTimestamp.Zero, VersionVector.Empty);

    /// <summary>What a client has seen that has seen both.</summary>
    public CausalToken Join(CausalToken other) =>
        new(Epoch >= other.Epoch ? Epoch : other.Epoch, HybridTimestamp.Max(Stamp, other.Stamp), Dependencies.Join(other.Dependencies));

    /// <summary>The same token without what every replica concerned is known to hold; never applied to a stored token.</summary>
    public CausalToken Prune(VersionVector stable)
    {
        var pruned = Dependencies.Without(stable);
        return ReferenceEquals(pruned, Dependencies) ? this : this with { Dependencies = pruned };
    }
}
