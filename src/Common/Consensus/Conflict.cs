using Kv.Common.Identity;

namespace Kv.Common.Consensus;

/// <summary>
/// One epoch with two digests. Consensus never chooses two values for one epoch, so one of the two is of a foreign cluster, or of one that an operator
/// recovered by force: nothing is to be retried or merged.
/// </summary>
/// <param name="Epoch">The epoch that has two values.</param>
/// <param name="Known">The digest known to whoever found the conflict.</param>
/// <param name="Other">The digest that was presented to it.</param>
public sealed record Conflict(Epoch Epoch, ulong Known, ulong Other)
{
    /// <summary>The conflict between two values held as chosen, or null. It is seen between values of the same epoch and of neighbouring ones.</summary>
    public static Conflict? Between(IEpochValue known, IEpochValue other)
    {
        if (known.Epoch == other.Epoch) return Unless(known.Epoch, known.Digest, other.Digest);
        if (known.Epoch.Next == other.Epoch) return Unless(known.Epoch, known.Digest, other.ParentDigest);
        if (other.Epoch.Next == known.Epoch) return Unless(other.Epoch, known.ParentDigest, other.Digest);
        return null;
    }

    public override string ToString() =>
        $"Epoch {Epoch} has the digest {Known:x16} here and {Other:x16} there: one of them is of another cluster, or of one recovered by force.";

    private static Conflict? Unless(Epoch epoch, ulong known, ulong other) => known == other ? null : new(epoch, known, other);
}
