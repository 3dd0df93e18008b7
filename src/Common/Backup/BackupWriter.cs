using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace Kv.Common.Backup;

/// <summary>Writes the bytes of a backup file (<see cref="BackupFormat"/>), frame by frame; the caller keeps to their order, and the reader checks it.</summary>
public sealed class BackupWriter(IBufferWriter<byte> output)
{
    private readonly ArrayBufferWriter<byte> _payload = new(64 << 10);
    private readonly XxHash3 _chain = new();
    private long _frames;

    /// <summary>What was written so far, bytes.</summary>
    public long Written { get; private set; }

    public void Write(BackupFrame frame)
    {
        if (_frames == 0) Put(BackupFormat.Magic);
        _payload.ResetWrittenCount();
        switch (frame)
        {
            case BackupFrame.Header header:
                WriteHeader(header);
                Flush(BackupFrameKind.Header);
                break;
            case BackupFrame.Entries entries:
                foreach (var entry in entries.All) WriteEntry(entry);
                Flush(BackupFrameKind.Entries);
                break;
            case BackupFrame.PartEnd end:
                UInt32(end.Group.Value);
                WriteContent(end.Content);
                Flush(BackupFrameKind.PartEnd);
                break;
            case BackupFrame.Trailer trailer:
                UInt64((ulong)trailer.FinishedUnixMs);
                WriteContent(trailer.Content);
                UInt64(_chain.GetCurrentHashAsUInt64());
                Flush(BackupFrameKind.Trailer);
                break;
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    private void WriteHeader(BackupFrame.Header header)
    {
        _payload.Write([BackupFormat.Version]);
        UInt64(header.Cluster.Value);
        UInt64((ulong)header.StartedUnixMs);
        VarInt(header.Epoch.Value);
        var node = Encoding.UTF8.GetBytes(header.Node);
        VarInt((ulong)node.Length);
        _payload.Write(node);
        VarInt((ulong)header.Parts.Length);
        foreach (var part in header.Parts)
        {
            UInt32(part.Group.Value);
            VarInt((ulong)part.Vector.Count);
            foreach (var dot in part.Vector)
            {
                UInt64(dot.Origin.Incarnation.Value);
                UInt32(dot.Origin.Group.Value);
                VarInt(dot.Sequence);
            }
        }
    }

    private void WriteEntry(BackupEntry entry)
    {
        UInt64(entry.Stamp.Packed);
        VarInt((ulong)entry.Key.Utf8.Length);
        VarInt((ulong)entry.Value.Length);
        _payload.Write(entry.Key.Utf8.Span);
        _payload.Write(entry.Value.Span);
    }

    private void WriteContent(ContentDigest content)
    {
        VarInt((ulong)content.Count);
        VarInt((ulong)content.Bytes);
        UInt64(content.Value);
    }

    private void Flush(BackupFrameKind kind)
    {
        var checksum = BackupFormat.ChecksumOf(_frames++, kind, _payload.WrittenSpan);
        Span<byte> header = stackalloc byte[BackupFormat.FrameHeaderLength];
        header[0] = (byte)kind;
        BinaryPrimitives.WriteInt32BigEndian(header[1..], _payload.WrittenCount);
        BinaryPrimitives.WriteUInt64BigEndian(header[5..], checksum);
        _chain.Append(header[5..]);
        Put(header);
        Put(_payload.WrittenSpan);
    }

    private void Put(ReadOnlySpan<byte> bytes)
    {
        output.Write(bytes);
        Written += bytes.Length;
    }

    private void UInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(_payload.GetSpan(sizeof(uint)), value);
        _payload.Advance(sizeof(uint));
    }

    private void UInt64(ulong value)
    {
        BinaryPrimitives.WriteUInt64BigEndian(_payload.GetSpan(sizeof(ulong)), value);
        _payload.Advance(sizeof(ulong));
    }

    private void VarInt(ulong value)
    {
        while (value >= 0x80)
        {
            _payload.Write([(byte)(value | 0x80)]);
            value >>= 7;
        }

        _payload.Write([(byte)value]);
    }
}
