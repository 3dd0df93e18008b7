using System.Collections.Immutable;
using Kv.Common.Identity;

namespace Kv.Common.Consensus;

/// <summary>
/// What one instance of consensus decides: the whole topology of one epoch. Immutable. Its acceptors decide the epoch after it, and a majority of them
/// is that instance's quorum.
/// </summary>
public interface IEpochValue
{
    Epoch Epoch { get; }

    /// <summary>Equal for equal values on every node, different for different ones.</summary>
    ulong Digest { get; }

    /// <summary>The digest of the value of the epoch before, on which this one was built.</summary>
    ulong ParentDigest { get; }

    /// <summary>
    /// Those who decide the next epoch: each entry once, never none. From epoch 2 on they are at most <see cref="EpochValues.MostAcceptors"/> and every one
    /// names its incarnation.
    /// </summary>
    ImmutableArray<Acceptor> Acceptors { get; }
}
