using System.Text.Json;
using System.Text.Unicode;

namespace Kv.Node.Rest;

/// <summary>
/// The members of a request body that matter, as slices of the body: the value is never parsed into a tree, only stepped over. Of repeated members
/// the last counts.
/// </summary>
internal readonly record struct RequestBody(ReadOnlyMemory<byte>? Value, ReadOnlyMemory<byte> Token)
{
    private const int MaxDepth = 256;

    private static readonly JsonReaderOptions Options = new() { MaxDepth = MaxDepth };

    /// <summary>Reads a body; an empty one has no members. The error is for the client.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> body, out RequestBody read, out string error)
    {
        read = default;
        error = "";
        if (body.IsEmpty) return true;
        // The reader does not look into strings that it steps over; what we store must be sent back as valid JSON.
        if (!Utf8.IsValid(body.Span))
        {
            error = "Body is not valid UTF-8";
            return false;
        }

        try
        {
            return TryReadMembers(body, out read, out error);
        }
        catch (JsonException)
        {
            error = "Body is not valid JSON";
            return false;
        }
    }

    private static bool TryReadMembers(ReadOnlyMemory<byte> body, out RequestBody read, out string error)
    {
        read = default;
        error = "";
        ReadOnlyMemory<byte>? value = null;
        ReadOnlyMemory<byte> token = default;
        var reader = new Utf8JsonReader(body.Span, Options);
        reader.Read();
        var isObject = reader.TokenType == JsonTokenType.StartObject;
        while (isObject && reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isValue = NameIs(ref reader, "value"u8);
            var isToken = !isValue && NameIs(ref reader, "causal-metadata"u8);
            reader.Read();
            var start = (int)reader.TokenStartIndex;
            if (isToken && !TryReadToken(ref reader, out token))
            {
                error = "Causal metadata is malformed";
                return false;
            }

            reader.Skip();
            if (isValue) value = body[start..(int)reader.BytesConsumed];
        }

        // To the end, so that anything after the first value is found to be an error.
        while (reader.Read()) reader.Skip();
        if (!isObject)
        {
            error = "Body is not a JSON object";
            return false;
        }

        read = new(value, token);
        return true;
    }

    /// <summary>True when the string or name that the reader is at is that.</summary>
    public static bool NameIs(ref Utf8JsonReader reader, ReadOnlySpan<byte> name)
    {
        try
        {
            return reader.ValueTextEquals(name);
        }
        catch (InvalidOperationException)
        {
            // An escaped half of a surrogate pair is JSON, but no text: it is in no name of ours.
            return false;
        }
    }

    private static bool TryReadToken(ref Utf8JsonReader reader, out ReadOnlyMemory<byte> token)
    {
        token = default;
        if (reader.TokenType == JsonTokenType.Null) return true;
        if (reader.TokenType != JsonTokenType.String) return false;
        var text = new byte[reader.ValueSpan.Length];
        try
        {
            token = text.AsMemory(0, reader.CopyString(text));
            return true;
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair again.
            return false;
        }
    }
}
