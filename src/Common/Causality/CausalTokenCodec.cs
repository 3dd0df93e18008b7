using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Kv.Common.Identity;

namespace Kv.Common.Causality;

/// <summary>
/// The sealed form of tokens. Layout, version 1, big-endian: version (1 byte), cluster id (8), epoch (varint), stamp (8), number of replica groups (varint),
/// then per group its number (varint), number of dots (varint) and per dot the incarnation (8) and sequence (varint); last the first 16 bytes of
/// HMAC-SHA256 over all before it. Text form: base64url without padding. Equal tokens have equal bytes on every node that holds the same secret;
/// bytes that are not the canonical form of a token are refused.
/// </summary>
public sealed class CausalTokenCodec
{
    /// <summary>No token made here is longer; longer input is refused before it is looked at. Bytes.</summary>
    public const int MaxSealedLength = 16 * 1024;

    private const byte FormatVersion = 1;
    private const int SealLength = 16;

    private readonly byte[] _secret;
    private readonly IReadOnlyList<byte[]> _accepted;
    private readonly ClusterId _cluster;

    /// <param name="secret">The cluster's shared secret. When empty, the seal is keyed by the cluster id: it detects corruption, not forgery.</param>
    /// <param name="cluster">Tokens of any other cluster are refused.</param>
    /// <param name="accepted">Secrets whose seals are good as well, while the cluster goes from one to the next; none is used to seal.</param>
    public CausalTokenCodec(ReadOnlySpan<byte> secret, ClusterId cluster, IReadOnlyList<byte[]>? accepted = null)
    {
        _accepted = accepted ?? [];
        _cluster = cluster;
        _secret = secret.IsEmpty ? Encoding.UTF8.GetBytes(cluster.ToString()) : secret.ToArray();
    }

    /// <summary>The sealed bytes of <paramref name="token"/>.</summary>
    public byte[] Seal(CausalToken token)
    {
        var writer = new TokenWriter(stackalloc byte[512]);
        writer.Byte(FormatVersion);
        writer.UInt64(_cluster.Value);
        writer.VarInt(token.Epoch.Value);
        writer.UInt64(token.Stamp.Packed);
        var dots = token.Dependencies;
        writer.VarInt((ulong)GroupsOf(dots));
        for (var i = 0; i < dots.Count;)
        {
            var end = EndOfGroup(dots, i);
            writer.VarInt(dots[i].Origin.Group.Value);
            writer.VarInt((ulong)(end - i));
            for (; i < end; i++)
            {
                writer.UInt64(dots[i].Origin.Incarnation.Value);
                writer.VarInt(dots[i].Sequence);
            }
        }

        var content = writer.Written;
        var @sealed = new byte[content.Length + SealLength];
        content.CopyTo(@sealed);
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_secret, content, mac);
        mac[..SealLength].CopyTo(@sealed.AsSpan(content.Length));
        return @sealed;
    }

    /// <summary>Opens sealed bytes; <paramref name="token"/> is meaningful only when the answer is <see cref="TokenRejection.None"/>.</summary>
    public TokenRejection TryOpen(ReadOnlySpan<byte> @sealed, out CausalToken token)
    {
        token = CausalToken.None;
        if (@sealed.Length is < 1 + 8 + SealLength or > MaxSealedLength || @sealed[0] != FormatVersion) return TokenRejection.Malformed;
        if (BinaryPrimitives.ReadUInt64BigEndian(@sealed[1..]) != _cluster.Value) return TokenRejection.ForeignCluster;
        if (!IsSealedBy(_secret, @sealed) && !IsSealedByAccepted(@sealed)) return TokenRejection.Tampered;
        return TryReadContent(@sealed[..^SealLength], out token) ? TokenRejection.None : TokenRejection.Malformed;
    }

    /// <summary>Opens the text form that clients hold; <paramref name="sealed"/> is its binary form.</summary>
    public TokenRejection TryOpenText(ReadOnlySpan<byte> text, out CausalToken token, out ReadOnlyMemory<byte> @sealed)
    {
        token = CausalToken.None;
        @sealed = default;
        if (text.Length > Base64Url.GetEncodedLength(MaxSealedLength) || text.Length % 4 == 1) return TokenRejection.Malformed;
        Span<byte> buffer = text.Length <= 1024 ? stackalloc byte[1024] : new byte[text.Length];
        if (Base64Url.DecodeFromUtf8(text, buffer, out var consumed, out var length) != System.Buffers.OperationStatus.Done || consumed != text.Length)
            return TokenRejection.Malformed;
        // The last character may carry bits that no byte holds; a text that differs only there is not the text we gave out.
        Span<byte> canonical = stackalloc byte[4];
        var tail = length % 3;
        if (text.Length != Base64Url.GetEncodedLength(length)) return TokenRejection.Malformed;
        if (tail != 0)
        {
            Base64Url.EncodeToUtf8(buffer.Slice(length - tail, tail), canonical, out _, out var written);
            if (!canonical[..written].SequenceEqual(text[^written..])) return TokenRejection.Malformed;
        }

        var rejection = TryOpen(buffer[..length], out token);
        if (rejection == TokenRejection.None) @sealed = buffer[..length].ToArray();
        return rejection;
    }

    /// <summary>The dependencies of a token that was verified when it entered the cluster: stored ones and those of records from peers.</summary>
    public static CausalToken ReadTrusted(ReadOnlySpan<byte> @sealed) =>
        @sealed.Length > SealLength && TryReadContent(@sealed[..^SealLength], out var token)
            ? token
            : throw new InvalidDataException("A stored token is not readable; the record that holds it is damaged.");

    private static bool IsSealedBy(byte[] secret, ReadOnlySpan<byte> @sealed)
    {
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(secret, @sealed[..^SealLength], mac);
        return CryptographicOperations.FixedTimeEquals(mac[..SealLength], @sealed[^SealLength..]);
    }

    private bool IsSealedByAccepted(ReadOnlySpan<byte> @sealed)
    {
        foreach (var secret in _accepted)
        {
            if (IsSealedBy(secret, @sealed)) return true;
        }

        return false;
    }

    private static bool TryReadContent(ReadOnlySpan<byte> content, out CausalToken token)
    {
        token = CausalToken.None;
        if (content.Length < 9 || content[0] != FormatVersion) return false;
        var reader = new TokenReader(content[9..]);
        if (!reader.VarInt(out var epoch) || !reader.UInt64(out var stamp) || !reader.VarInt(out var groups) || groups > MaxSealedLength) return false;
        var dependencies = new List<Dot>();
        var lastGroup = -1L;
        for (var i = 0UL; i < groups; i++)
        {
            if (!reader.VarInt(out var group) || group > uint.MaxValue || (long)group <= lastGroup || !reader.VarInt(out var dots) || dots is 0 or > MaxSealedLength)
                return false;
            lastGroup = (long)group;
            var lastIncarnation = 0UL;
            for (var j = 0UL; j < dots; j++)
            {
                if (!reader.UInt64(out var incarnation) || incarnation <= lastIncarnation || !reader.VarInt(out var sequence) || sequence == 0) return false;
                lastIncarnation = incarnation;
                dependencies.Add(new(new(new(incarnation), new((uint)group)), sequence));
            }
        }

        if (!reader.AtEnd) return false;
        token = new(new(epoch), new(stamp), VersionVector.OfSorted([.. dependencies]));
        return true;
    }

    private static int GroupsOf(VersionVector dots)
    {
        var groups = 0;
        for (var i = 0; i < dots.Count; i = EndOfGroup(dots, i)) groups++;
        return groups;
    }

    private static int EndOfGroup(VersionVector dots, int start)
    {
        var end = start + 1;
        while (end < dots.Count && dots[end].Origin.Group == dots[start].Origin.Group) end++;
        return end;
    }

    private ref struct TokenWriter(Span<byte> initial)
    {
        private Span<byte> _buffer = initial;
        private int _length;

        public readonly ReadOnlySpan<byte> Written => _buffer[.._length];

        public void Byte(byte value)
        {
            Reserve(1);
            _buffer[_length++] = value;
        }

        public void UInt64(ulong value)
        {
            Reserve(8);
            BinaryPrimitives.WriteUInt64BigEndian(_buffer[_length..], value);
            _length += 8;
        }

        public void VarInt(ulong value)
        {
            while (value >= 0x80)
            {
                Byte((byte)(value | 0x80));
                value >>= 7;
            }

            Byte((byte)value);
        }

        private void Reserve(int bytes)
        {
            if (_length + bytes <= _buffer.Length) return;
            var grown = new byte[_buffer.Length * 2];
            Written.CopyTo(grown);
            _buffer = grown;
        }
    }

    private ref struct TokenReader(ReadOnlySpan<byte> content)
    {
        private ReadOnlySpan<byte> _rest = content;

        public readonly bool AtEnd => _rest.IsEmpty;

        public bool UInt64(out ulong value)
        {
            if (!BinaryPrimitives.TryReadUInt64BigEndian(_rest, out value)) return false;
            _rest = _rest[8..];
            return true;
        }

        /// <summary>Refuses encodings that are longer than needed or exceed 64 bits.</summary>
        public bool VarInt(out ulong value)
        {
            value = 0;
            for (var i = 0; i < 10 && i < _rest.Length; i++)
            {
                var b = _rest[i];
                if (i == 9 && b > 1) return false;
                value |= (ulong)(b & 0x7f) << (7 * i);
                if ((b & 0x80) != 0) continue;
                if (b == 0 && i > 0) return false;
                _rest = _rest[(i + 1)..];
                return true;
            }

            return false;
        }
    }
}
