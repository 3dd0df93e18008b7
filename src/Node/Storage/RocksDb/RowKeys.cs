using System.Buffers.Binary;
using System.Text;
using Kv.Common.Identity;

namespace Kv.Node.Storage.RocksDb;

/// <summary>
/// The keys of the rows, table by table; RocksDB orders them by bytes, so integers are big endian. Part of the data format.
/// <list type="bullet">
/// <item>data: ring position 8, UTF-8 key. A ring range is one contiguous scan.</item>
/// <item>log: group 4, incarnation 8, sequence 8. One origin's log is one contiguous scan.</item>
/// <item>meta: <c>c</c> is the checkpoint; <c>a</c> arc 2 is what that arc comes to (<see cref="ArcRow"/>); <c>t</c> group 4, incarnation 8 is how far that origin's log was
/// trimmed; <c>m</c> name is a named value; <c>w</c> is there when the store has a <see cref="Watermark"/>.</item>
/// </list>
/// </summary>
internal static class RowKeys
{
    public const int PositionLength = 8;
    public const int OriginLength = 12;
    public const int LogLength = OriginLength + 8;
    public const int TrimLength = 1 + OriginLength;
    public const int ArcLength = 3;
    public const byte ArcPrefix = (byte)'a';
    public const byte TrimPrefix = (byte)'t';

    private const byte MetaPrefix = (byte)'m';

    public static ReadOnlySpan<byte> Checkpoint => "c"u8;

    public static ReadOnlySpan<byte> IsMarked => "w"u8;

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

    public static ReadOnlySpan<byte> Log(Origin origin, ulong sequence, Span<byte> row)
    {
        Write(origin, row);
        BinaryPrimitives.WriteUInt64BigEndian(row[OriginLength..], sequence);
        return row[..LogLength];
    }

    public static ReadOnlySpan<byte> Trim(Origin origin, Span<byte> row)
    {
        row[0] = TrimPrefix;
        Write(origin, row[1..]);
        return row[..TrimLength];
    }

    /// <summary>The origin that a row's key begins with, after its prefix if it has one.</summary>
    public static Origin ReadOrigin(ReadOnlySpan<byte> row) =>
        new(new(BinaryPrimitives.ReadUInt64BigEndian(row[4..])), new(BinaryPrimitives.ReadUInt32BigEndian(row)));

    public static ReadOnlySpan<byte> Arc(int arc, Span<byte> row)
    {
        row[0] = ArcPrefix;
        BinaryPrimitives.WriteUInt16BigEndian(row[1..], (ushort)arc);
        return row[..ArcLength];
    }

    public static byte[] Meta(string name) => [MetaPrefix, .. Encoding.UTF8.GetBytes(name)];

    private static void Write(Origin origin, Span<byte> row)
    {
        BinaryPrimitives.WriteUInt32BigEndian(row, origin.Group.Value);
        BinaryPrimitives.WriteUInt64BigEndian(row[4..], origin.Incarnation.Value);
    }
}
