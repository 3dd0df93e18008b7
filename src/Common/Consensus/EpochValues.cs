using System.Collections.Immutable;

namespace Kv.Common.Consensus;

/// <summary>What must hold between the values of neighbouring epochs.</summary>
public static class EpochValues
{
    /// <summary>More would add little safety, and every change waits for the disks of a majority.</summary>
    public const int MostAcceptors = 7;

    /// <summary>Throws <see cref="ArgumentException"/> unless <paramref name="value"/> may be proposed as the successor of <paramref name="parent"/>.</summary>
    public static void RequireSuccessor<T>(T parent, T value)
        where T : class, IEpochValue
    {
        if (value.Epoch != parent.Epoch.Next || value.ParentDigest != parent.Digest)
        {
            throw new ArgumentException(
                $"Epoch {value.Epoch} on parent {value.ParentDigest:x16} does not follow epoch {parent.Epoch} with digest {parent.Digest:x16}.", nameof(value));
        }

        if (value.Acceptors.Length is 0 or > MostAcceptors)
            throw new ArgumentException($"Epoch {value.Epoch} has {value.Acceptors.Length} acceptors; 1 to {MostAcceptors} are possible.", nameof(value));
        if (HasRepetition(value.Acceptors)) throw new ArgumentException($"Epoch {value.Epoch} names an acceptor twice.", nameof(value));
        foreach (var acceptor in value.Acceptors)
        {
            if (acceptor.Incarnation.IsNone)
                throw new ArgumentException($"Epoch {value.Epoch} has an acceptor without incarnation at {acceptor.Address}.", nameof(value));
        }
    }

    // One address twice would be two votes for one machine, so addresses may not repeat either.
    private static bool HasRepetition(ImmutableArray<Acceptor> acceptors)
    {
        for (var i = 1; i < acceptors.Length; i++)
        {
            for (var j = 0; j < i; j++)
            {
                if (acceptors[i].Address.Equals(acceptors[j].Address)) return true;
            }
        }

        return false;
    }
}
