using Kv.Common.Replication;

namespace Kv.Node.Replication;

/// <summary>A piece of one incarnation's log, in sequence order. At most <see cref="MaxRecords"/> records.</summary>
internal sealed record RecordBatch(IReadOnlyList<WriteRecord> Records)
{
    public const int MaxRecords = 256;

    /// <summary>Soft bound on the values and tokens of one batch, bytes; one record may exceed it alone.</summary>
    public const int MaxBytes = 1 << 20;
}
