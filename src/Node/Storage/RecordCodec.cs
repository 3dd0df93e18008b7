using System.Buffers.Binary;
using System.IO.Hashing;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Time;

namespace Kv.Node.Storage;

/// <summary>
/// The stored form of a <see cref="WriteRecord"/>, the same in the data and in the log so that a record is encoded once for both. Format 2, integers
/// big endian:
/// <code>
/// 0 version = 2 | 1 flags | 2 checksum 4 | 6 stamp 8 | 14 incarnation 8 | 22 group 4 | 26 sequence 8 | 34 key length 4 | 38 token length 4 | key | token | value
/// </code>
/// The checksum is the low half of the XXH3-64 of everything from the stamp on, seeded with version and flags. The engine checks its own blocks, but a
/// row also crosses caches and buffers that nobody checks, and a wrong record would be replicated to every peer.
/// </summary>
internal static class RecordCodec
{
    public const byte Version = 2;

    private const int VersionAt = 0;
    private const int FlagsAt = 1;
    private const int ChecksumAt = 2;
    private const int StampAt = 6;
    private const int IncarnationAt = 14;
    private const int GroupAt = 22;
    private const int SequenceAt = 26;
    private const int KeyLengthAt = 34;
    private const int TokenLengthAt = 38;
    private const int HeaderLength = 42;

    private const byte TombstoneFlag = 1;

    /// <summary>The number of bytes that <see cref="Encode"/> writes.</summary>
    public static int Measure(WriteRecord record) => HeaderLength + record.Key.Utf8.Length + record.Token.Length + record.Value.Length;

    /// <summary>Writes the row to the start of <paramref name="row"/>, which has room for <see cref="Measure"/> bytes, and returns that part of it.</summary>
    public static ReadOnlySpan<byte> Encode(WriteRecord record, Span<byte> row)
    {
        row = row[..Measure(record)];
        var key = record.Key.Utf8.Span;
        var token = record.Token.Span;
        row[VersionAt] = Version;
        row[FlagsAt] = record.IsTombstone ? TombstoneFlag : (byte)0;
        BinaryPrimitives.WriteUInt64BigEndian(row[StampAt..], record.Stamp.Packed);
        BinaryPrimitives.WriteUInt64BigEndian(row[IncarnationAt..], record.Dot.Origin.Incarnation.Value);
        BinaryPrimitives.WriteUInt32BigEndian(row[GroupAt..], record.Dot.Origin.Group.Value);
        BinaryPrimitives.WriteUInt64BigEndian(row[SequenceAt..], record.Dot.Sequence);
        BinaryPrimitives.WriteInt32BigEndian(row[KeyLengthAt..], key.Length);
        BinaryPrimitives.WriteInt32BigEndian(row[TokenLengthAt..], token.Length);
        key.CopyTo(row[HeaderLength..]);
        token.CopyTo(row[(HeaderLength + key.Length)..]);
        record.Value.Span.CopyTo(row[(HeaderLength + key.Length + token.Length)..]);
        BinaryPrimitives.WriteUInt32BigEndian(row[ChecksumAt..], ChecksumOf(row));
        return row;
    }

    /// <summary>
    /// Reads a row; the record's key, token and value are slices of it, so the row must not change afterwards. Throws
    /// <see cref="InvalidDataException"/>, which names the row, unless it is exactly what <see cref="Encode"/> wrote.
    /// </summary>
    public static WriteRecord Decode(ReadOnlyMemory<byte> row, RowName name)
    {
        var (keyLength, tokenLength) = Check(row.Span, name);
        return Assemble(row, new Key(row.Slice(HeaderLength, keyLength)), keyLength, tokenLength);
    }

    /// <summary>As <see cref="Decode(ReadOnlyMemory{byte}, RowName)"/>, for the row of a known key: the key is not hashed again, and another key's row is damage.</summary>
    public static WriteRecord Decode(ReadOnlyMemory<byte> row, RowName name, Key expected)
    {
        var (keyLength, tokenLength) = Check(row.Span, name);
        if (!row.Span.Slice(HeaderLength, keyLength).SequenceEqual(expected.Utf8.Span)) throw Damaged(name, "it holds another key");
        return Assemble(row, expected, keyLength, tokenLength);
    }

    private static WriteRecord Assemble(ReadOnlyMemory<byte> row, Key key, int keyLength, int tokenLength)
    {
        var header = row.Span;
        return new(
            key,
            row[(HeaderLength + keyLength + tokenLength)..],
            (header[FlagsAt] & TombstoneFlag) != 0,
            new HybridTimestamp(BinaryPrimitives.ReadUInt64BigEndian(header[StampAt..])),
            new Dot(ReadOrigin(header), BinaryPrimitives.ReadUInt64BigEndian(header[SequenceAt..])),
            row.Slice(HeaderLength + keyLength, tokenLength));
    }

    private static Origin ReadOrigin(ReadOnlySpan<byte> header) =>
        new(new(BinaryPrimitives.ReadUInt64BigEndian(header[IncarnationAt..])), new(BinaryPrimitives.ReadUInt32BigEndian(header[GroupAt..])));

    private static (int KeyLength, int TokenLength) Check(ReadOnlySpan<byte> row, RowName name)
    {
        if (row.IsEmpty) throw Damaged(name, "it is empty");
        if (row[VersionAt] != Version) throw Damaged(name, $"it has format {row[VersionAt]}, and only format {Version} is known here");
        if (row.Length < HeaderLength) throw Damaged(name, $"it ends after {row.Length} bytes");
        if (BinaryPrimitives.ReadUInt32BigEndian(row[ChecksumAt..]) != ChecksumOf(row)) throw Damaged(name, "its checksum does not match");
        if ((row[FlagsAt] & ~TombstoneFlag) != 0) throw Damaged(name, $"it has unknown flags {row[FlagsAt]}");
        var keyLength = BinaryPrimitives.ReadInt32BigEndian(row[KeyLengthAt..]);
        var tokenLength = BinaryPrimitives.ReadInt32BigEndian(row[TokenLengthAt..]);
        if (keyLength < 0 || tokenLength < 0 || (long)HeaderLength + keyLength + tokenLength > row.Length) throw Damaged(name, "its lengths do not fit");
        return (keyLength, tokenLength);
    }

    private static uint ChecksumOf(ReadOnlySpan<byte> row) => (uint)XxHash3.HashToUInt64(row[StampAt..], (row[VersionAt] << 8) | row[FlagsAt]);

    private static InvalidDataException Damaged(RowName name, string how) => new($"Damaged {name.ToString()}: {how}.");
}
