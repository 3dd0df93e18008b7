using System.Buffers.Binary;
using System.IO.Hashing;
using Kv.Common.Identity;

namespace Kv.Common.Backup;

/// <summary>
/// What a set of keys and values comes to, whatever their order, their stamps and the cluster they are in: how many there are, how many bytes, and the sum, modulo 2^64, of
/// the XXH3-64 of each key's length, key and value. Equal contents have equal digests; different ones differ, but for a chance of 1 in 2^64.
/// </summary>
public readonly record struct ContentDigest(long Count, long Bytes, ulong Value)
{
    public ContentDigest With(Key key, ReadOnlySpan<byte> value)
    {
        var hash = new XxHash3();
        Span<byte> length = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(length, key.Utf8.Length);
        hash.Append(length);
        hash.Append(key.Utf8.Span);
        hash.Append(value);
        return new(Count + 1, Bytes + key.Utf8.Length + value.Length, unchecked(Value + hash.GetCurrentHashAsUInt64()));
    }

    public static ContentDigest operator +(ContentDigest one, ContentDigest other) => new(one.Count + other.Count, one.Bytes + other.Bytes, unchecked(one.Value + other.Value));

    /// <summary>The digest alone, as 16 hexadecimal digits.</summary>
    public override string ToString() => Value.ToString("x16", System.Globalization.CultureInfo.InvariantCulture);
}
