using System.Buffers;
using System.Text;
using Kv.Common.Identity;

namespace Kv.Node.Rest;

/// <summary>Reads what the framework would have changed: the path as it came (so that %2F, dots and odd encodings stay part of a key) and the body, bounded.</summary>
internal static class RestRequest
{
    /// <summary>The path of a request target in origin or absolute form, still percent-encoded, without the query.</summary>
    public static ReadOnlySpan<char> RawPath(string target)
    {
        var rest = target.AsSpan();
        if (!rest.StartsWith('/'))
        {
            var scheme = rest.IndexOf("://", StringComparison.Ordinal);
            if (scheme < 0) return rest;
            rest = rest[(scheme + 3)..];
            var slash = rest.IndexOf('/');
            rest = slash < 0 ? "/" : rest[slash..];
        }

        var query = rest.IndexOfAny('?', '#');
        return query < 0 ? rest : rest[..query];
    }

    /// <summary>The one segment that follows <paramref name="prefix"/> in the path of a request target, still percent-encoded; false when there is none, or more.</summary>
    public static bool TryReadSegment(string target, string prefix, out string segment)
    {
        segment = "";
        var path = RawPath(target);
        if (!path.StartsWith(prefix)) return false;
        var rest = path[prefix.Length..];
        if (rest.IsEmpty || rest.Contains('/')) return false;
        segment = rest.ToString();
        return true;
    }

    /// <summary>Decodes one path segment to a key; the error is for the client.</summary>
    public static bool TryReadKey(ReadOnlySpan<char> segment, int maxCharacters, out Key key, out string error)
    {
        key = default;
        if (!TryDecode(segment, "Key", out var bytes, out var characters, out error)) return false;
        if (characters == 0) error = "Key is missing";
        else if (characters > maxCharacters) error = "Key is too long";
        else key = new(bytes);
        return error.Length == 0;
    }

    /// <summary>Decodes percent-encoded text, and counts its characters; the error, which begins with what it is, is for the client.</summary>
    public static bool TryDecode(ReadOnlySpan<char> segment, string what, out ReadOnlyMemory<byte> decoded, out int characters, out string error)
    {
        decoded = default;
        characters = 0;
        error = "";
        var utf8 = new byte[Encoding.UTF8.GetByteCount(segment)];
        var length = 0;
        Span<byte> character = stackalloc byte[4];
        for (var i = 0; i < segment.Length;)
        {
            if (segment[i] == '%')
            {
                if (i + 2 >= segment.Length || !char.IsAsciiHexDigit(segment[i + 1]) || !char.IsAsciiHexDigit(segment[i + 2]))
                {
                    error = $"{what} is not valid percent-encoding";
                    return false;
                }

                utf8[length++] = (byte)((Convert.ToInt32(char.ToString(segment[i + 1]), 16) << 4) | Convert.ToInt32(char.ToString(segment[i + 2]), 16));
                i += 3;
                continue;
            }

            if (Rune.DecodeFromUtf16(segment[i..], out var rune, out var consumed) != OperationStatus.Done)
            {
                error = $"{what} is not valid UTF-8";
                return false;
            }

            var written = rune.EncodeToUtf8(character);
            character[..written].CopyTo(utf8.AsSpan(length));
            length += written;
            i += consumed;
        }

        decoded = utf8.AsMemory(0, length);
        characters = CountCharacters(decoded.Span);
        if (characters < 0) error = $"{what} is not valid UTF-8";
        return characters >= 0;
    }

    /// <summary>
    /// The body, or null when it exceeds <paramref name="maxBytes"/>. Throws <see cref="OperationCanceledException"/> when the reader is told to wait no longer.
    /// </summary>
    public static async ValueTask<ReadOnlyMemory<byte>?> ReadBodyAsync(HttpRequest request, int maxBytes)
    {
        if (request.ContentLength is 0 || (request.ContentLength is null && !request.Headers.ContainsKey("Transfer-Encoding"))) return ReadOnlyMemory<byte>.Empty;
        if (request.ContentLength > maxBytes) return null;
        var reader = request.BodyReader;
        while (true)
        {
            var read = await reader.ReadAsync(request.HttpContext.RequestAborted);
            if (read.IsCanceled)
            {
                reader.AdvanceTo(read.Buffer.End);
                throw new OperationCanceledException("The body is not waited for any longer.");
            }

            if (read.Buffer.Length > maxBytes)
            {
                reader.AdvanceTo(read.Buffer.End);
                return null;
            }

            if (read.IsCompleted)
            {
                // The one copy: the value's bytes live on in the record, the pipe's do not.
                var body = read.Buffer.ToArray();
                reader.AdvanceTo(read.Buffer.End);
                return body;
            }

            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private static int CountCharacters(ReadOnlySpan<byte> utf8)
    {
        var count = 0;
        while (!utf8.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(utf8, out _, out var consumed) != OperationStatus.Done) return -1;
            utf8 = utf8[consumed..];
            count++;
        }

        return count;
    }
}
