using System.Buffers.Binary;
using System.IO.Hashing;
using Kv.Common.Replication;

namespace Kv.Node.Storage;

/// <summary>The XXH3-64 of a record's key, stamp, dot, kind, token and value: equal for equal records on every node. Sums of it are digests of sets, whatever their order.</summary>
internal static class RecordDigest
{
    public static ulong Of(WriteRecord record)
    {
        var hash = new XxHash3();
        Span<byte> numbers = stackalloc byte[37];
        BinaryPrimitives.WriteUInt64BigEndian(numbers, record.Stamp.Packed);
        BinaryPrimitives.WriteUInt64BigEndian(numbers[8..], record.Dot.Origin.Incarnation.Value);
        BinaryPrimitives.WriteUInt32BigEndian(numbers[16..], record.Dot.Origin.Group.Value);
        BinaryPrimitives.WriteUInt64BigEndian(numbers[20..], record.Dot.Sequence);
        BinaryPrimitives.WriteInt32BigEndian(numbers[28..], record.Key.Utf8.Length);
        BinaryPrimitives.WriteInt32BigEndian(numbers[32..], record.Token.Length);
        numbers[36] = record.IsTombstone ? (byte)1 : (byte)0;
        hash.Append(numbers);
        hash.Append(record.Key.Utf8.Span);
        hash.Append(record.Token.Span);
        hash.Append(record.Value.Span);
        return hash.GetCurrentHashAsUInt64();
    }
}
