using System.Buffers.Binary;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Time;

namespace Kv.Node.Storage;

/// <summary>
/// The stored form of a <see cref="ReplicaCheckpoint"/>. Format 1, integers big endian:
/// <code>0 version = 1 | 1 clock 8 | 9 live keys 8 | 17 entries 4 | 21 (incarnation 8, sequence 8) for each entry</code>
/// </summary>
internal static class CheckpointCodec
{
    private const byte Version = 1;
    private const int ClockAt = 1;
    private const int LiveKeysAt = 9;
    private const int CountAt = 17;
    private const int HeaderLength = 21;
    private const int EntryLength = 16;

    public static byte[] Encode(ReplicaCheckpoint checkpoint)
    {
        var vector = checkpoint.Vector;
        var row = new byte[HeaderLength + (vector.Count * EntryLength)];
        row[0] = Version;
        BinaryPrimitives.WriteUInt64BigEndian(row.AsSpan(ClockAt), checkpoint.Clock.Packed);
        BinaryPrimitives.WriteInt64BigEndian(row.AsSpan(LiveKeysAt), checkpoint.LiveKeys);
        BinaryPrimitives.WriteInt32BigEndian(row.AsSpan(CountAt), vector.Count);
        var entry = row.AsSpan(HeaderLength);
        for (var i = 0; i < vector.Count; i++, entry = entry[EntryLength..])
        {
            BinaryPrimitives.WriteUInt64BigEndian(entry, vector[i].Origin.Value);
            BinaryPrimitives.WriteUInt64BigEndian(entry[8..], vector[i].Sequence);
        }

        return row;
    }

    /// <summary>Throws <see cref="InvalidDataException"/> unless the row is what <see cref="Encode"/> wrote.</summary>
    public static ReplicaCheckpoint Decode(ReadOnlySpan<byte> row)
    {
        if (row.IsEmpty || row[0] != Version) throw new InvalidDataException("Damaged checkpoint row: its format is unknown here.");
        if (row.Length < HeaderLength) throw new InvalidDataException($"Damaged checkpoint row: it ends after {row.Length} bytes.");
        var count = BinaryPrimitives.ReadInt32BigEndian(row[CountAt..]);
        if (count < 0 || row.Length != HeaderLength + ((long)count * EntryLength)) throw new InvalidDataException("Damaged checkpoint row: its length does not fit.");
        var dots = new Dot[count];
        for (var i = 0; i < count; i++)
        {
            var entry = row[(HeaderLength + (i * EntryLength))..];
            dots[i] = new(new Incarnation(BinaryPrimitives.ReadUInt64BigEndian(entry)), BinaryPrimitives.ReadUInt64BigEndian(entry[8..]));
        }

        return new(
            VersionVector.Of(dots),
            new HybridTimestamp(BinaryPrimitives.ReadUInt64BigEndian(row[ClockAt..])),
            BinaryPrimitives.ReadInt64BigEndian(row[LiveKeysAt..]));
    }
}
