using System.Buffers.Binary;

namespace Kv.Node.Storage.RocksDb;

/// <summary>
/// The stored form of an <see cref="ArcSummary"/>, integers big endian: live keys 8, tombstones 8, digest of the live ones 8, digest 8. Rows of an earlier version have the
/// live keys alone.
/// </summary>
internal static class ArcRow
{
    public const int Length = 32;

    private const int EarlierLength = 8;

    public static ReadOnlySpan<byte> Write(ArcSummary summary, Span<byte> row)
    {
        BinaryPrimitives.WriteInt64BigEndian(row, summary.LiveKeys);
        BinaryPrimitives.WriteInt64BigEndian(row[8..], summary.Tombstones);
        BinaryPrimitives.WriteUInt64BigEndian(row[16..], summary.LiveDigest);
        BinaryPrimitives.WriteUInt64BigEndian(row[24..], summary.Digest);
        return row[..Length];
    }

    /// <summary>Null for a row of an earlier version. Throws <see cref="InvalidDataException"/> for one of no version.</summary>
    public static ArcSummary? Read(ReadOnlySpan<byte> row) => row.Length switch
    {
        Length => new(
            BinaryPrimitives.ReadInt64BigEndian(row), BinaryPrimitives.ReadInt64BigEndian(row[8..]),
            BinaryPrimitives.ReadUInt64BigEndian(row[16..]), BinaryPrimitives.ReadUInt64BigEndian(row[24..])),
        EarlierLength => null,
        _ => throw new InvalidDataException($"Damaged summary of an arc: it has {row.Length} bytes."),
    };
}
