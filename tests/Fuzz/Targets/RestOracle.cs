using System.Text;
using System.Text.Json;

namespace Kv.Fuzz.Targets;

/// <summary>What every answer of the REST door must be.</summary>
internal static class RestOracle
{
    private static readonly JsonDocumentOptions Deep = new() { MaxDepth = 1024 };

    /// <summary>The answer's kind. Throws <see cref="BrokenPromiseException"/>. Only where a peer may say so may a disk be full (<paramref name="mayBeFull"/>).</summary>
    public static string Judge(string method, string target, int status, string contentType, ReadOnlyMemory<byte> body, bool mayBeFull = false)
    {
        if (status >= 500 && status != 503 && !(mayBeFull && status == 507)) throw new BrokenPromiseException($"answers {status}: {Start(body)}");
        var known = method is "GET" or "PUT" or "DELETE" or "POST" ? method : "other";
        if (status == 200 && contentType.StartsWith("text/plain; version=", StringComparison.Ordinal)) return "metrics";
        if (contentType is not "application/json" && !contentType.StartsWith("application/json;", StringComparison.Ordinal) && !(contentType is "application/problem+json" && status >= 400)) throw new BrokenPromiseException($"answers {status} with content of type '{contentType}': {Start(body)}");
        JsonElement answer;
        try
        {
            using var document = JsonDocument.Parse(body, Deep);
            answer = document.RootElement.Clone();
        }
        catch (JsonException malformed)
        {
            throw new BrokenPromiseException($"answers {status} with what is no JSON ({malformed.Message}): {Start(body)}");
        }

        if (answer.ValueKind is not JsonValueKind.Object) throw new BrokenPromiseException($"answers {status} with no object: {Start(body)}");
        if (status < 400) return $"{known} {status} {(answer.TryGetProperty("message", out var message) ? message.GetString() : "")}{StatusesIn(answer)}";
        var error = TextOf(answer, "error", status, body);
        TextOf(answer, "message", status, body);
        TextOf(answer, "title", status, body);
        // Statuses that the server gives by itself are all that has no kind.
        if (TextOf(answer, "type", status, body) == "about:blank" && error != "Request failed") throw new BrokenPromiseException($"answers {status} with an error of no kind: {Start(body)}");
        if (!answer.TryGetProperty("status", out var said) || said.ValueKind is not JsonValueKind.Number || said.GetInt32() != status) throw new BrokenPromiseException($"answers {status} and says otherwise: {Start(body)}");
        // Only what is quoted from the request could hold it otherwise, and nothing of a request is quoted but its method.
        if (body.Span.IndexOf("   at "u8) >= 0 || body.Span.IndexOf("Exception:"u8) >= 0) throw new BrokenPromiseException($"shows a stack trace: {Start(body)}");
        return $"{known} {status} {Bounds.Shape(error)}";
    }

    // What came of a batch, each kind once.
    private static string StatusesIn(JsonElement answer)
    {
        if (!answer.TryGetProperty("results", out var results)) return "";
        var statuses = results.EnumerateArray().Select(result => result.GetProperty("status").GetInt32()).Distinct().Order().ToList();
        return statuses.Exists(status => status is 500) ? throw new BrokenPromiseException("a result of a batch is a bug") : $" {string.Join(',', statuses)}";
    }

    private static string TextOf(JsonElement answer, string name, int status, ReadOnlyMemory<byte> body) =>
        answer.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String && value.GetString() is { Length: > 0 } text
            ? text
            : throw new BrokenPromiseException($"answers {status} without {name}: {Start(body)}");

    private static string Start(ReadOnlyMemory<byte> body) => Encoding.UTF8.GetString(body.Span[..Math.Min(body.Length, 300)]);
}
