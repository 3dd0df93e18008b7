using Kv.Common.Causality;
using Kv.Common.Replication;

namespace Kv.Node.Migration;

/// <summary>What a donor sends, in this order: its cut, records in ring order, and the end.</summary>
internal abstract record TransferPiece
{
    private TransferPiece()
    {
    }

    /// <summary>What the donor held before it began to scan: all that follows is at least as new.</summary>
    internal sealed record Cut(VersionVector Vector) : TransferPiece;

    internal sealed record Records(IReadOnlyList<WriteRecord> All) : TransferPiece;

    /// <summary>Everything was sent: so many records, with this digest (<see cref="TransferDigest"/>).</summary>
    internal sealed record End(long Count, ulong Digest) : TransferPiece;
}
