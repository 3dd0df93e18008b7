using Kv.Common.Replication;

namespace Kv.Node.Replication;

/// <summary>
/// Log entries on their way: of one origin after the other and in sequence order when broadcast, of several origins in stamp order when fetched. At most
/// <see cref="MaxRecords"/> records.
/// </summary>
internal sealed record RecordBatch(IReadOnlyList<Passage> Passages)
{
    public const int MaxRecords = 256;

    /// <summary>Soft bound on the values and tokens of one batch, bytes; one record may exceed it alone.</summary>
    public const int MaxBytes = 1 << 20;
}
