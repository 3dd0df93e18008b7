using System.Buffers.Binary;
using System.Buffers.Text;
using System.Text;
using System.Text.Unicode;
using Kv.Common.Identity;

namespace Kv.Node.Rest;

/// <summary>
/// Where a listing goes on: the last key that was looked at, with its ring position. It says nothing of shards or nodes, so it is good at every node and across reshards, and for ever. It needs no
/// seal, because whoever makes one up could ask for that part of the ring anyway; that the position is the key's tells a cursor that was cut or mistyped. Layout, version 1, big-endian: version
/// (1 byte), position (8), key; base64url without padding.
/// </summary>
internal static class ListCursor
{
    private const byte Version = 1;
    private const int HeaderLength = 1 + sizeof(ulong);

    // Of 1024 characters, the longest there can be.
    private const int MaxLength = HeaderLength + 4096;

    public static string Write(Key key)
    {
        var cursor = new byte[HeaderLength + key.Utf8.Length];
        cursor[0] = Version;
        BinaryPrimitives.WriteUInt64BigEndian(cursor.AsSpan(1), key.Position);
        key.Utf8.Span.CopyTo(cursor.AsSpan(HeaderLength));
        return Base64Url.EncodeToString(cursor);
    }

    /// <summary>False for what <see cref="Write"/> did not make of any key.</summary>
    public static bool TryRead(string text, out Key key)
    {
        key = default;
        if (text.Length > Base64Url.GetEncodedLength(MaxLength) || !Ascii.IsValid(text) || !Base64Url.IsValid(text)) return false;
        var cursor = Base64Url.DecodeFromChars(text);
        if (cursor.Length <= HeaderLength || cursor[0] != Version) return false;
        var read = new Key(cursor.AsMemory(HeaderLength));
        if (read.Position != BinaryPrimitives.ReadUInt64BigEndian(cursor.AsSpan(1)) || !Utf8.IsValid(read.Utf8.Span) || Write(read) != text) return false;
        key = read;
        return true;
    }
}
