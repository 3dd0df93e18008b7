using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Immutable;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Migration;
using Kv.Common.Time;

namespace Kv.Node.Storage;

/// <summary>
/// The stored form of a <see cref="ReplicaCheckpoint"/>. Format 2, integers big endian; a vector is its number of entries 4 and (group 4, incarnation 8,
/// sequence 8) for each:
/// <code>
/// version = 2 | flags 1 | clock 8 | live keys 8 | place 4 | vector | logged-after vector
///   if being filled: target 4 | since 8 | attempt 4 | sources 4 | (group 4 | flags 1 | vector | cut vector) for each
///   former places 4 | (group 4 | logged-after vector | vector) for each
/// </code>
/// </summary>
internal static class CheckpointCodec
{
    private const byte Version = 2;
    private const byte PlacedFlag = 1;
    private const byte CompleteFlag = 2;
    private const byte FillingFlag = 4;
    private const byte FilledFlag = 8;
    private const byte HasCutFlag = 1;
    private const byte WholeFlag = 2;
    private const int EntryLength = 20;

    public static byte[] Encode(ReplicaCheckpoint checkpoint)
    {
        var row = new Writer();
        row.Byte(Version);
        row.Byte((byte)(Flag(checkpoint.Place is not null, PlacedFlag)
            | Flag(checkpoint.IsComplete, CompleteFlag)
            | Flag(checkpoint.Fill is not null, FillingFlag)
            | Flag(checkpoint.Fill?.IsComplete == true, FilledFlag)));
        row.UInt64(checkpoint.Clock.Packed);
        row.UInt64((ulong)checkpoint.LiveKeys);
        row.UInt32(checkpoint.Place?.Value ?? 0);
        row.Vector(checkpoint.Vector);
        row.Vector(checkpoint.LoggedAfter);
        if (checkpoint.Fill is { } fill)
        {
            row.UInt32(fill.Target.Value);
            row.UInt64(fill.Since.Value);
            row.UInt32(fill.Attempt);
            row.UInt32((uint)fill.Sources.Length);
            foreach (var source in fill.Sources)
            {
                row.UInt32(source.Group.Value);
                row.Byte((byte)(Flag(source.Cut is not null, HasCutFlag) | Flag(source.IsWhole, WholeFlag)));
                row.Vector(source.Vector);
                row.Vector(source.Cut ?? VersionVector.Empty);
            }
        }

        row.UInt32((uint)checkpoint.Former.Length);
        foreach (var former in checkpoint.Former)
        {
            row.UInt32(former.Group.Value);
            row.Vector(former.LoggedAfter);
            row.Vector(former.Vector);
        }

        return row.ToArray();
    }

    /// <summary>Throws <see cref="InvalidDataException"/> unless the row is what <see cref="Encode"/> wrote.</summary>
    public static ReplicaCheckpoint Decode(ReadOnlySpan<byte> row)
    {
        var checkpoint = Read(row);
        // Of damage that none of the fields shows (a flag that nobody knows, a place that is not one, a vector out of order) this is left.
        return Encode(checkpoint).AsSpan().SequenceEqual(row) ? checkpoint : throw new InvalidDataException("Damaged checkpoint row: it says the same in another way.");
    }

    private static ReplicaCheckpoint Read(ReadOnlySpan<byte> row)
    {
        if (row.IsEmpty || row[0] != Version) throw new InvalidDataException("Damaged checkpoint row: its format is unknown here.");
        var reader = new Reader(row[1..]);
        var flags = reader.Byte();
        if ((flags & ~(PlacedFlag | CompleteFlag | FillingFlag | FilledFlag)) != 0) throw new InvalidDataException($"Damaged checkpoint row: it has unknown flags {flags}.");
        var clock = new HybridTimestamp(reader.UInt64());
        var liveKeys = (long)reader.UInt64();
        var place = new ReplicaGroup(reader.UInt32());
        var vector = reader.Vector();
        var loggedAfter = reader.Vector();
        var fill = (flags & FillingFlag) == 0 ? null : ReadFill(ref reader, (flags & FilledFlag) != 0);
        var former = ImmutableArray.CreateBuilder<FormerPlace>();
        for (var left = reader.Count(12); left > 0; left--) former.Add(new(new(reader.UInt32()), reader.Vector(), reader.Vector()));
        reader.End();
        return new((flags & PlacedFlag) == 0 ? null : place, vector, clock, liveKeys)
        {
            LoggedAfter = loggedAfter,
            IsComplete = (flags & CompleteFlag) != 0,
            Fill = fill,
            Former = former.ToImmutable(),
        };
    }

    private static Fill ReadFill(ref Reader reader, bool isComplete)
    {
        var target = new ReplicaGroup(reader.UInt32());
        var since = new Epoch(reader.UInt64());
        var attempt = reader.UInt32();
        var sources = ImmutableArray.CreateBuilder<FillSource>();
        for (var left = reader.Count(13); left > 0; left--)
        {
            var group = new ReplicaGroup(reader.UInt32());
            var flags = reader.Byte();
            var vector = reader.Vector();
            var cut = reader.Vector();
            sources.Add(new(group, vector, (flags & HasCutFlag) != 0 ? cut : null, (flags & WholeFlag) != 0));
        }

        return new(target, since, isComplete, attempt, sources.ToImmutable());
    }

    private static byte Flag(bool set, byte flag) => set ? flag : (byte)0;

    private readonly struct Writer()
    {
        private readonly ArrayBufferWriter<byte> _row = new(256);

        public byte[] ToArray() => _row.WrittenSpan.ToArray();

        public void Byte(byte value)
        {
            _row.GetSpan(1)[0] = value;
            _row.Advance(1);
        }

        public void UInt32(uint value)
        {
            BinaryPrimitives.WriteUInt32BigEndian(_row.GetSpan(4), value);
            _row.Advance(4);
        }

        public void UInt64(ulong value)
        {
            BinaryPrimitives.WriteUInt64BigEndian(_row.GetSpan(8), value);
            _row.Advance(8);
        }

        public void Vector(VersionVector vector)
        {
            UInt32((uint)vector.Count);
            for (var i = 0; i < vector.Count; i++)
            {
                UInt32(vector[i].Origin.Group.Value);
                UInt64(vector[i].Origin.Incarnation.Value);
                UInt64(vector[i].Sequence);
            }
        }
    }

    private ref struct Reader(ReadOnlySpan<byte> row)
    {
        private ReadOnlySpan<byte> _rest = row;

        public byte Byte() => Take(1)[0];

        public uint UInt32() => BinaryPrimitives.ReadUInt32BigEndian(Take(4));

        public ulong UInt64() => BinaryPrimitives.ReadUInt64BigEndian(Take(8));

        /// <summary>A number of things that take at least <paramref name="least"/> bytes each: one that cannot be is refused before anything is made of it.</summary>
        public int Count(int least)
        {
            var count = UInt32();
            return count <= _rest.Length / least ? (int)count : throw Damaged();
        }

        public VersionVector Vector()
        {
            var dots = new Dot[Count(EntryLength)];
            for (var i = 0; i < dots.Length; i++)
            {
                var group = new ReplicaGroup(UInt32());
                dots[i] = new(new(new(UInt64()), group), UInt64());
            }

            return VersionVector.Of(dots);
        }

        public readonly void End()
        {
            if (!_rest.IsEmpty) throw Damaged();
        }

        private ReadOnlySpan<byte> Take(int bytes)
        {
            if (_rest.Length < bytes) throw Damaged();
            var taken = _rest[..bytes];
            _rest = _rest[bytes..];
            return taken;
        }

        private static InvalidDataException Damaged() => new("Damaged checkpoint row: its length does not fit.");
    }
}
