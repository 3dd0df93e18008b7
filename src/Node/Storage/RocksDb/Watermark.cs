using System.Buffers.Binary;
using System.IO.Hashing;
using Microsoft.Win32.SafeHandles;

namespace Kv.Node.Storage.RocksDb;

/// <summary>
/// A small file beside RocksDB's own that says up to which of RocksDB's sequence numbers the write-ahead log was synced. A log that ends earlier has lost writes that were acknowledged;
/// by itself it looks like one whose last write was torn by a crash. The mark is written after each sync and not synced itself: it never claims too much, it is exact when the process
/// dies, and behind by as much as the system had not written back yet when the machine does.
/// <code>
/// two slots, at 0 and at 4096, written in turn: version 8 = 1 | sequence 8 | XXH3-64 of these, seeded with the slot's number 8
/// </code>
/// Two, because a power cut may tear the one that is being written. Integers are big endian.
/// </summary>
internal sealed class Watermark : IDisposable
{
    public const string FileName = "WATERMARK";

    private const ulong Version = 1;
    private const int SlotLength = 24;
    private const int SlotDistance = 4096;

    private readonly SafeFileHandle _file;
    private int _next;

    private Watermark(SafeFileHandle file) => _file = file;

    /// <summary>What the file in a store's directory says; null when there is none. Throws <see cref="StorageDamagedException"/> when neither slot can be read.</summary>
    public static ulong? Read(string directory)
    {
        var path = Path.Combine(directory, FileName);
        if (!File.Exists(path)) return null;
        var content = File.ReadAllBytes(path);
        ulong? highest = null;
        for (var slot = 0; slot < 2; slot++)
        {
            if (ReadSlot(content, slot) is { } sequence && (highest is null || sequence > highest)) highest = sequence;
        }

        return highest ?? throw new StorageDamagedException($"The file {path} is damaged: neither of its marks can be read.");
    }

    /// <summary>Makes the file, whole and durable, or begins to go on with the one there.</summary>
    public static Watermark Open(string directory, ulong sequence)
    {
        var path = Path.Combine(directory, FileName);
        if (!File.Exists(path))
        {
            var content = new byte[SlotDistance + SlotLength];
            for (var slot = 0; slot < 2; slot++) WriteSlot(content.AsSpan(slot * SlotDistance, SlotLength), slot, sequence);
            DurableFile.Replace(path, content);
        }

        // For the other use of it, that of an operator who looks, reading is shared.
        return new(File.OpenHandle(path, FileMode.Open, FileAccess.Write, FileShare.Read));
    }

    /// <summary>Everything up to <paramref name="sequence"/> is synced. One system call and no sync; not to be called by two at once.</summary>
    public void Raise(ulong sequence)
    {
        Span<byte> mark = stackalloc byte[SlotLength];
        WriteSlot(mark, _next, sequence);
        RandomAccess.Write(_file, mark, _next * SlotDistance);
        _next = 1 - _next;
    }

    public void Dispose() => _file.Dispose();

    private static void WriteSlot(Span<byte> mark, int slot, ulong sequence)
    {
        BinaryPrimitives.WriteUInt64BigEndian(mark, Version);
        BinaryPrimitives.WriteUInt64BigEndian(mark[8..], sequence);
        BinaryPrimitives.WriteUInt64BigEndian(mark[16..], XxHash3.HashToUInt64(mark[..16], slot));
    }

    private static ulong? ReadSlot(byte[] content, int slot)
    {
        if (content.Length < (slot * SlotDistance) + SlotLength) return null;
        var mark = content.AsSpan(slot * SlotDistance, SlotLength);
        return BinaryPrimitives.ReadUInt64BigEndian(mark[16..]) == XxHash3.HashToUInt64(mark[..16], slot) && BinaryPrimitives.ReadUInt64BigEndian(mark) == Version
            ? BinaryPrimitives.ReadUInt64BigEndian(mark[8..])
            : null;
    }
}
