using Kv.Common.Replication;

namespace Kv.Node.Replication;

/// <summary>
/// Log entries on their way: of the sender alone and in sequence order when broadcast, of several origins in stamp order when fetched. At most
/// <see cref="MaxRecords"/>.
/// </summary>
internal sealed record RecordBatch(IReadOnlyList<WriteRecord> Records)
{
    public const int MaxRecords = 256;

    /// <summary>Soft bound on the values and tokens of one batch, bytes; one record may exceed it alone.</summary>
    public const int MaxBytes = 1 << 20;
}
