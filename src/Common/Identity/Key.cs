using System.Text;
using Kv.Common.Topology;

namespace Kv.Common.Identity;

/// <summary>
/// A key: its UTF-8 bytes and its position on the ring. Compared by bytes; ordered by ring position, then bytes, which is the order
/// in which storage keeps it.
/// </summary>
public readonly struct Key : IEquatable<Key>, IComparable<Key>
{
    /// <summary>The key takes ownership of <paramref name="utf8"/>.</summary>
    public Key(ReadOnlyMemory<byte> utf8)
    {
        Utf8 = utf8;
        Position = KeyHash.PositionOf(utf8.Span);
    }

    public Key(string text)
        : this(Encoding.UTF8.GetBytes(text))
    {
    }

    public ReadOnlyMemory<byte> Utf8 { get; }

    /// <summary>The place on the 64-bit ring, by <see cref="KeyHash"/>.</summary>
    public ulong Position { get; }

    public bool Equals(Key other) => Position == other.Position && Utf8.Span.SequenceEqual(other.Utf8.Span);

    public override bool Equals(object? obj) => obj is Key other && Equals(other);

    public override int GetHashCode() => Position.GetHashCode();

    public int CompareTo(Key other) => Position != other.Position ? Position.CompareTo(other.Position) : Utf8.Span.SequenceCompareTo(other.Utf8.Span);

    public override string ToString() => Encoding.UTF8.GetString(Utf8.Span);

    public static bool operator ==(Key left, Key right) => left.Equals(right);
    public static bool operator !=(Key left, Key right) => !left.Equals(right);
}
