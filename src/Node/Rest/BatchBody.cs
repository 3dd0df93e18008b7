using System.Text.Json;
using System.Text.Unicode;
using Kv.Common.Identity;
using Kv.Node.Requests;

namespace Kv.Node.Rest;

/// <summary>
/// The body of a batch: <c>{"operations":[{"method":"PUT","key":"a","value":1},…]}</c>. All of it is checked before anything is done. Values are slices of the body, as those of
/// <see cref="RequestBody"/>; of repeated members the last counts, here as well.
/// </summary>
internal static class BatchBody
{
    private static readonly JsonReaderOptions Options = new() { MaxDepth = 256 };

    /// <summary>What is wrong, and with which operation, from 0; null when nothing is.</summary>
    /// <param name="body">What <see cref="RequestBody"/> has read, so it is a JSON object, or empty.</param>
    /// <param name="maxOperations">More are refused.</param>
    /// <param name="maxKeyCharacters">Longer keys are refused.</param>
    /// <param name="operations">In their order.</param>
    public static (Problem Problem, int? Operation)? Read(ReadOnlyMemory<byte> body, int maxOperations, int maxKeyCharacters, out List<BatchOperation> operations)
    {
        operations = [];
        if (body.IsEmpty) return (Problems.OperationsMissing, null);
        (Problem, int?)? wrong = (Problems.OperationsMissing, null);
        var reader = new Utf8JsonReader(body.Span, Options);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isOperations = RequestBody.NameIs(ref reader, "operations"u8);
            reader.Read();
            if (!isOperations)
            {
                reader.Skip();
                continue;
            }

            wrong = ReadList(ref reader, body, maxOperations, maxKeyCharacters, operations = []);
            if (wrong is not null) return wrong;
        }

        return wrong;
    }

    private static (Problem, int?)? ReadList(ref Utf8JsonReader reader, ReadOnlyMemory<byte> body, int maxOperations, int maxKeyCharacters, List<BatchOperation> operations)
    {
        if (reader.TokenType != JsonTokenType.StartArray) return (Problems.OperationsNotObjects, null);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            var at = operations.Count;
            if (reader.TokenType != JsonTokenType.StartObject) return (Problems.OperationsNotObjects, at);
            if (at == maxOperations) return (Problems.TooManyOperations, at);
            if (ReadOperation(ref reader, body, maxKeyCharacters, operations) is { } problem) return (problem, at);
        }

        return null;
    }

    private static Problem? ReadOperation(ref Utf8JsonReader reader, ReadOnlyMemory<byte> body, int maxKeyCharacters, List<BatchOperation> operations)
    {
        BatchMethod? method = null;
        ReadOnlyMemory<byte>? value = null;
        Problem? keyProblem = Problems.KeyMissing;
        Key key = default;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var (isMethod, isKey, isValue) = (RequestBody.NameIs(ref reader, "method"u8), RequestBody.NameIs(ref reader, "key"u8), RequestBody.NameIs(ref reader, "value"u8));
            reader.Read();
            var start = (int)reader.TokenStartIndex;
            if (isMethod) method = ReadMethod(ref reader);
            if (isKey) keyProblem = ReadKey(ref reader, maxKeyCharacters, out key);
            reader.Skip();
            if (isValue) value = body[start..(int)reader.BytesConsumed];
        }

        if (method is not { } known) return Problems.MethodUnknown;
        if (keyProblem is not null) return keyProblem;
        if (known is BatchMethod.Put && value is null) return Problems.ValueMissing;
        operations.Add(new(known, key, known is BatchMethod.Put ? value!.Value : default));
        return null;
    }

    private static BatchMethod? ReadMethod(ref Utf8JsonReader reader) =>
        reader.TokenType != JsonTokenType.String ? null
        : RequestBody.NameIs(ref reader, "GET"u8) ? BatchMethod.Get
        : RequestBody.NameIs(ref reader, "PUT"u8) ? BatchMethod.Put
        : RequestBody.NameIs(ref reader, "DELETE"u8) ? BatchMethod.Delete
        : null;

    private static Problem? ReadKey(ref Utf8JsonReader reader, int maxCharacters, out Key key)
    {
        key = default;
        if (reader.TokenType != JsonTokenType.String) return Problems.KeyMissing;
        var text = new byte[reader.ValueSpan.Length];
        int length;
        try
        {
            length = reader.CopyString(text);
        }
        catch (InvalidOperationException)
        {
            // An escaped half of a surrogate pair.
            return Problems.KeyNotText;
        }

        var utf8 = text.AsMemory(0, length);
        // No path can name a key with a zero, so no other request could ever find it.
        if (!Utf8.IsValid(utf8.Span) || utf8.Span.Contains((byte)0)) return Problems.KeyNotText;
        if (length == 0) return Problems.KeyMissing;
        if (CountCharacters(utf8.Span) > maxCharacters) return Problems.KeyTooLong;
        key = new(utf8);
        return null;
    }

    private static int CountCharacters(ReadOnlySpan<byte> utf8)
    {
        var count = 0;
        foreach (var unit in utf8)
        {
            // Every character has one byte that does not continue another.
            if ((unit & 0xC0) != 0x80) count++;
        }

        return count;
    }
}
