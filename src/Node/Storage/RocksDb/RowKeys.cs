using System.Buffers.Binary;
using System.Text;
using Kv.Common.Identity;

namespace Kv.Node.Storage.RocksDb;

/// <summary>
/// The keys of the rows, table by table; RocksDB orders them by bytes, so integers are big endian. Part of the data format.
/// <list type="bullet">
/// <item>data: ring position 8, UTF-8 key. A ring range is one contiguous scan.</item>
/// <item>log: incarnation 8, sequence 8. One incarnation's log is one contiguous scan.</item>
/// <item>meta: <c>c</c> is the checkpoint; <c>t</c> incarnation 8 is how far its log was trimmed; <c>m</c> name is a named value.</item>
/// </list>
/// </summary>
internal static class RowKeys
{
    public const int PositionLength = 8;
    public const int LogLength = 16;
    public const int TrimLength = 9;
    public const byte TrimPrefix = (byte)'t';

    private const byte MetaPrefix = (byte)'m';

    public static ReadOnlySpan<byte> Checkpoint => "c"u8;

    public static int DataLength(Key key) => PositionLength + key.Utf8.Length;

    public static ReadOnlySpan<byte> Data(Key key, Span<byte> row)
    {
        BinaryPrimitives.WriteUInt64BigEndian(row, key.Position);
        key.Utf8.Span.CopyTo(row[PositionLength..]);
        return row[..DataLength(key)];
    }

    public static byte[] Position(ulong position)
    {
        var row = new byte[PositionLength];
        BinaryPrimitives.WriteUInt64BigEndian(row, position);
        return row;
    }

    public static ReadOnlySpan<byte> Log(Incarnation origin, ulong sequence, Span<byte> row)
    {
        BinaryPrimitives.WriteUInt64BigEndian(row, origin.Value);
        BinaryPrimitives.WriteUInt64BigEndian(row[8..], sequence);
        return row[..LogLength];
    }

    public static ReadOnlySpan<byte> Trim(Incarnation origin, Span<byte> row)
    {
        row[0] = TrimPrefix;
        BinaryPrimitives.WriteUInt64BigEndian(row[1..], origin.Value);
        return row[..TrimLength];
    }

    public static byte[] Meta(string name) => [MetaPrefix, .. Encoding.UTF8.GetBytes(name)];
}
