using System.Text.Json;

namespace Kv.Node.Rest;

/// <summary>Small bodies of requests to operators' paths: one JSON object with one member that matters.</summary>
internal static class JsonBody
{
    private const int MaxBytes = 4096;

    /// <summary>Null when <paramref name="value"/> was read, else what is wrong.</summary>
    public delegate string? Reader<T>(JsonElement body, out T? value);

    /// <summary>What <paramref name="read"/> makes of the body, or null when the request was answered with what is wrong.</summary>
    public static async ValueTask<T?> ReadAsync<T>(HttpContext context, Reader<T> read)
    {
        if (await context.RequestServices.GetRequiredService<SlowClients>().ReadBodyAsync(context, MaxBytes) is not { } body) return default;
        if (TryRead(body, read, out var value) is not { } error) return value;
        await RestErrors.WriteAsync(context, StatusCodes.Status400BadRequest, error);
        return default;
    }

    private static string? TryRead<T>(ReadOnlyMemory<byte> body, Reader<T> read, out T? value)
    {
        value = default;
        try
        {
            using var document = JsonDocument.Parse(body.IsEmpty ? "{}"u8.ToArray() : body);
            return document.RootElement.ValueKind is JsonValueKind.Object ? read(document.RootElement, out value) : "Body is not a JSON object";
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException)
        {
            // The second: half of a surrogate pair, which is JSON but no text.
            return "Body is not valid JSON";
        }
    }
}
