using System.Buffers.Binary;
using Kv.Common.Causality;

namespace Kv.Common.Backup;

/// <summary>Reads the payload of one frame; throws <see cref="BackupDamagedException"/> where it does not go on as it must.</summary>
internal ref struct PayloadReader(ReadOnlyMemory<byte> payload, string where)
{
    private int _at;

    public readonly bool AtEnd => _at == payload.Length;

    public byte Byte() => Take(1).Span[0];

    public uint UInt32() => BinaryPrimitives.ReadUInt32BigEndian(Take(sizeof(uint)).Span);

    public ulong UInt64() => BinaryPrimitives.ReadUInt64BigEndian(Take(sizeof(ulong)).Span);

    public long Number() => VarInt() is var value && value <= long.MaxValue ? (long)value : throw Unreadable();

    public ulong VarInt()
    {
        var value = 0UL;
        for (var i = 0; i < 10; i++)
        {
            var next = Byte();
            if (i == 9 && next > 1) break;
            value |= (ulong)(next & 0x7f) << (7 * i);
            if ((next & 0x80) == 0) return value;
        }

        throw Unreadable();
    }

    /// <summary>So many bytes; not copied.</summary>
    public ReadOnlyMemory<byte> Bytes(long length) => length <= payload.Length - _at ? Take((int)length) : throw Unreadable();

    public ContentDigest Content() => new(Number(), Number(), UInt64());

    public VersionVector Vector()
    {
        var dots = new List<Dot>();
        for (var left = Number(); left > 0; left--) dots.Add(new(new(new(UInt64()), new(UInt32())), VarInt()));
        return VersionVector.Of(dots);
    }

    public readonly void End()
    {
        if (!AtEnd) throw Unreadable();
    }

    private ReadOnlyMemory<byte> Take(int length)
    {
        if (length > payload.Length - _at) throw Unreadable();
        var taken = payload.Slice(_at, length);
        _at += length;
        return taken;
    }

    private readonly BackupDamagedException Unreadable() => new($"The backup is damaged: {where} cannot be read.");
}
