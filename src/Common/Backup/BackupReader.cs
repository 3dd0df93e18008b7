using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.IO.Hashing;
using System.Text;
using Kv.Common.Identity;
using Kv.Common.Time;

namespace Kv.Common.Backup;

/// <summary>
/// Reads a backup file as its bytes come, and checks all of it: checksums, the order of the frames, that each shard's keys ascend, and that counts and digests are what they are said to be. What it gives is whole frame
/// by frame, but whether the file is shows only at its end: whoever acts on it waits for <see cref="Finish"/>. Throws <see cref="BackupDamagedException"/>.
/// </summary>
public sealed class BackupReader
{
    private readonly XxHash3 _chain = new();
    private bool _hasBegun;
    private long _frames;
    private int _parts;
    private Key? _last;
    private ContentDigest _part;

    /// <summary>Null until it was read.</summary>
    public BackupFrame.Header? Header { get; private set; }

    /// <summary>Null until the end was reached.</summary>
    public BackupFrame.Trailer? Trailer { get; private set; }

    /// <summary>What the entries so far come to.</summary>
    public ContentDigest Content { get; private set; }

    /// <summary>How many bytes were read.</summary>
    public long Position { get; private set; }

    /// <summary>
    /// The next frame, taken from the front of <paramref name="buffer"/>; false when more bytes are needed for it. The entries refer to memory of their own.
    /// </summary>
    public bool TryRead(ref ReadOnlySequence<byte> buffer, out BackupFrame frame)
    {
        frame = null!;
        if (!_hasBegun && !TryBegin(ref buffer)) return false;
        if (Trailer is not null && !buffer.IsEmpty) throw Damaged($"it goes on after its end, at byte {Position}");
        if (buffer.Length < BackupFormat.FrameHeaderLength) return false;
        Span<byte> header = stackalloc byte[BackupFormat.FrameHeaderLength];
        buffer.Slice(0, BackupFormat.FrameHeaderLength).CopyTo(header);
        var length = BinaryPrimitives.ReadInt32BigEndian(header[1..]);
        if (length is < 0 or > BackupFormat.MaxPayload) throw Damaged($"the piece at byte {Position} has an impossible length");
        if (buffer.Length < BackupFormat.FrameHeaderLength + length) return false;
        var payload = buffer.Slice(BackupFormat.FrameHeaderLength, length).ToArray();
        var kind = (BackupFrameKind)header[0];
        if (BackupFormat.ChecksumOf(_frames, kind, payload) != BinaryPrimitives.ReadUInt64BigEndian(header[5..])) throw Damaged($"the checksum of the piece at byte {Position} does not match");
        frame = Read(kind, payload);
        _chain.Append(header[5..]);
        buffer = buffer.Slice(BackupFormat.FrameHeaderLength + length);
        Position += BackupFormat.FrameHeaderLength + length;
        _frames++;
        return true;
    }

    /// <summary>No more bytes come. Throws unless the file was whole; <paramref name="left"/> is what no frame was made of.</summary>
    public BackupFrame.Trailer Finish(ReadOnlySequence<byte> left)
    {
        if (!_hasBegun) throw NoBackup();
        return Trailer is { } trailer && left.IsEmpty ? trailer : throw Damaged($"it ends after {Position + left.Length} bytes, before its end");
    }

    private bool TryBegin(ref ReadOnlySequence<byte> buffer)
    {
        var length = (int)Math.Min(BackupFormat.Magic.Length, buffer.Length);
        Span<byte> begin = stackalloc byte[length];
        buffer.Slice(0, length).CopyTo(begin);
        if (!BackupFormat.Magic.StartsWith(begin)) throw NoBackup();
        if (length < BackupFormat.Magic.Length) return false;
        buffer = buffer.Slice(length);
        Position = length;
        return _hasBegun = true;
    }

    private BackupFrame Read(BackupFrameKind kind, ReadOnlyMemory<byte> payload)
    {
        var reader = new PayloadReader(payload, $"the piece at byte {Position}");
        return (kind, Header) switch
        {
            (BackupFrameKind.Header, null) => ReadHeader(ref reader),
            (BackupFrameKind.Entries, { } header) when _parts < header.Parts.Length => ReadEntries(ref reader),
            (BackupFrameKind.PartEnd, { } header) when _parts < header.Parts.Length => ReadPartEnd(ref reader, header.Parts[_parts]),
            (BackupFrameKind.Trailer, { } header) when _parts == header.Parts.Length => ReadTrailer(ref reader),
            _ => throw Damaged($"the piece at byte {Position} does not belong there"),
        };
    }

    private BackupFrame.Header ReadHeader(ref PayloadReader reader)
    {
        var version = reader.Byte();
        if (version != BackupFormat.Version) throw new BackupDamagedException($"The backup has format {version}, and only format {BackupFormat.Version} is known here.");
        var (cluster, started, epoch) = (new ClusterId(reader.UInt64()), (long)reader.UInt64(), new Epoch(reader.VarInt()));
        var node = Encoding.UTF8.GetString(reader.Bytes(reader.Number()).Span);
        var parts = ImmutableArray.CreateBuilder<BackupPart>();
        for (var left = reader.Number(); left > 0; left--) parts.Add(new(new(reader.UInt32()), reader.Vector()));
        reader.End();
        return Header = new(cluster, node, started, epoch, parts.ToImmutable());
    }

    private BackupFrame.Entries ReadEntries(ref PayloadReader reader)
    {
        var entries = new List<BackupEntry>();
        while (!reader.AtEnd)
        {
            var (stamp, keyLength, valueLength) = (new HybridTimestamp(reader.UInt64()), reader.Number(), reader.Number());
            var entry = new BackupEntry(new Key(reader.Bytes(keyLength)), reader.Bytes(valueLength), stamp);
            if (_last is { } last && entry.Key.CompareTo(last) <= 0) throw Damaged($"the keys of the piece at byte {Position} are not in order");
            _last = entry.Key;
            _part = _part.With(entry.Key, entry.Value.Span);
            entries.Add(entry);
        }

        return new(entries);
    }

    private BackupFrame.PartEnd ReadPartEnd(ref PayloadReader reader, BackupPart part)
    {
        var end = new BackupFrame.PartEnd(new(reader.UInt32()), reader.Content());
        reader.End();
        if (end.Group != part.Group || end.Content != _part) throw Damaged($"what it has of shard {part.Group.Shard} is not what it is said to be");
        Content += _part;
        (_part, _last) = (default, null);
        _parts++;
        return end;
    }

    private BackupFrame.Trailer ReadTrailer(ref PayloadReader reader)
    {
        var finished = (long)reader.UInt64();
        var content = reader.Content();
        var chain = reader.UInt64();
        reader.End();
        if (content != Content || chain != _chain.GetCurrentHashAsUInt64()) throw Damaged("what it has is not what its end says");
        return Trailer = new(content, finished);
    }

    private static BackupDamagedException NoBackup() => new("This is not a backup.");

    private static BackupDamagedException Damaged(string how) => new($"The backup is damaged: {how}.");
}
