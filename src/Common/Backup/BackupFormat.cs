using System.Buffers.Binary;
using System.IO.Hashing;

namespace Kv.Common.Backup;

/// <summary>
/// What a backup file is made of, format 1. Integers are big endian, but for those called varint, which are LEB128.
/// <code>
/// "KVBACKUP" | frame | frame | …
/// frame:   kind 1 | payload length 4 | checksum 8 | payload
/// header:  format 1 | cluster 8 | started 8 | epoch varint | node (length varint, UTF-8) | parts varint, each: group 4 | dots varint, each: incarnation 8 | group 4 | sequence varint
/// entries: each: stamp 8 | key length varint | value length varint | key | value
/// end:     group 4 | count varint | bytes varint | digest 8
/// trailer: finished 8 | count varint | bytes varint | digest 8 | chain 8
/// </code>
/// A checksum is the XXH3-64 of the frame's number in the file, its kind, its length and its payload, so frames that were changed, left out, repeated or exchanged do not match. The chain is the
/// XXH3-64 of all checksums before it. A file is whole when its trailer has come and matches, and nothing follows: there is no other way to end.
/// </summary>
internal static class BackupFormat
{
    public const byte Version = 1;

    public const int FrameHeaderLength = 13;

    /// <summary>No frame made here is longer; one that says so is damaged.</summary>
    public const int MaxPayload = 64 << 20;

    public static ReadOnlySpan<byte> Magic => "KVBACKUP"u8;

    public static ulong ChecksumOf(long number, BackupFrameKind kind, ReadOnlySpan<byte> payload)
    {
        var hash = new XxHash3();
        Span<byte> prefix = stackalloc byte[13];
        BinaryPrimitives.WriteInt64BigEndian(prefix, number);
        prefix[8] = (byte)kind;
        BinaryPrimitives.WriteInt32BigEndian(prefix[9..], payload.Length);
        hash.Append(prefix);
        hash.Append(payload);
        return hash.GetCurrentHashAsUInt64();
    }
}

/// <summary>What a frame is. Part of the format: append only.</summary>
internal enum BackupFrameKind : byte
{
    Header = 1,
    Entries = 2,
    PartEnd = 3,
    Trailer = 4,
}
