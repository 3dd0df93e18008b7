using System.Collections.Immutable;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Topology;

namespace Kv.Node.Migration;

/// <summary>Asks a complete member of a group about some ranges: for the records, or, to find out which are wanted, for digests.</summary>
/// <param name="Epoch">The donor must know this topology: from then on it knows who is being filled.</param>
/// <param name="Source">The group that the donor must hold.</param>
/// <param name="Have">What the donor must hold at least, so that what it gives fits to what was given before.</param>
/// <param name="Ranges">Ascending, apart, and all of them the source's.</param>
internal sealed record TransferRequest(Epoch Epoch, ReplicaGroup Source, VersionVector Have, ImmutableArray<RingRange> Ranges)
{
    /// <summary>Most that is given at once, bytes of keys, values and tokens; one record may exceed it alone. A second of a link of half a megabit.</summary>
    public const int MostBytes = 64 << 10;

    /// <summary>What is asked.</summary>
    public TransferKind Kind { get; init; }

    /// <summary>
    /// For <see cref="TransferKind.Records"/>, after how many bytes the donor ends and tells how far it came, if it would send more; at most <see cref="MostBytes"/>.
    /// </summary>
    public int MaxBytes { get; init; } = MostBytes;

    /// <summary>For <see cref="TransferKind.Differences"/>, what the receiver has in each range; otherwise nothing.</summary>
    public ImmutableArray<RangeSummary> Known { get; init; } = [];
}
