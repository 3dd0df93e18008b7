using Kv.Common.Replication;
using Kv.Node.Storage;

namespace Kv.Node.Migration;

/// <summary>The digest of a set of records, whatever their order: the sum of the <see cref="RecordDigest"/> of each.</summary>
internal sealed class TransferDigest
{
    public long Count { get; private set; }

    public ulong Value { get; private set; }

    public void Add(WriteRecord record)
    {
        Count++;
        Value += RecordDigest.Of(record);
    }

    public bool Equals(TransferPiece.End end) => Count == end.Count && Value == end.Digest;
}
