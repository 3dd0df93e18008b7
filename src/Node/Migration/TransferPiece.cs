using Kv.Common.Causality;
using Kv.Common.Replication;
using Kv.Common.Time;

namespace Kv.Node.Migration;

/// <summary>What a donor sends, in this order: its cut, what was asked for in ring order, and the end.</summary>
internal abstract record TransferPiece
{
    private TransferPiece()
    {
    }

    /// <summary>What the donor held before it began to scan: all that follows is at least as new.</summary>
    internal sealed record Cut(VersionVector Vector) : TransferPiece
    {
        /// <summary>The donor's clock by then: the deletions that it has forgotten are not later.</summary>
        public HybridTimestamp Clock { get; init; }
    }

    internal sealed record Records(IReadOnlyList<WriteRecord> All) : TransferPiece;

    /// <summary>Which of the ranges asked about differ.</summary>
    internal sealed record Differences(IReadOnlyList<RangeDifference> All) : TransferPiece;

    /// <summary>Which records there are in them.</summary>
    internal sealed record Entries(IReadOnlyList<RangeEntry> All) : TransferPiece;

    /// <summary>Everything was sent: so many records, with this digest (<see cref="TransferDigest"/>); or so many of what else was asked for.</summary>
    internal sealed record End(long Count, ulong Digest) : TransferPiece
    {
        /// <summary>The position up to which everything was sent, where the receiver takes no more at once (<see cref="TransferRequest.MaxBytes"/>); null when that was all.</summary>
        public ulong? Through { get; init; }
    }
}
