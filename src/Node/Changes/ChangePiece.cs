using Kv.Common.Causality;
using Kv.Common.Replication;

namespace Kv.Node.Changes;

/// <summary>What answers a <see cref="ChangeScan"/>: the cut, records, the end.</summary>
internal abstract record ChangePiece
{
    private ChangePiece()
    {
    }

    /// <summary>What is sent holds at least this.</summary>
    internal sealed record Cut(VersionVector Vector) : ChangePiece;

    internal sealed record Records(IReadOnlyList<WriteRecord> All) : ChangePiece;

    /// <param name="IsForgotten">Deletions were forgotten that the scan should have had.</param>
    internal sealed record End(bool IsForgotten) : ChangePiece;
}
