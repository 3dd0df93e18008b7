using System.Text.Json;
using Kv.Common.Identity;

namespace Kv.Node.Rest;

/// <summary>The body of requests that name a node: <c>{"socket-address":"10.10.0.8:8080"}</c>.</summary>
internal static class SocketAddressBody
{
    private const int MaxBytes = 4096;

    /// <summary>The address, or null when the request was answered with what is wrong.</summary>
    public static async ValueTask<NodeAddress?> ReadAsync(HttpContext context)
    {
        if (await RestRequest.ReadBodyAsync(context.Request, MaxBytes) is not { } body)
        {
            await RestErrors.WriteAsync(context, StatusCodes.Status413PayloadTooLarge, "Body is too large");
            return null;
        }

        if (TryRead(body, out var address, out var error)) return address;
        await RestErrors.WriteAsync(context, StatusCodes.Status400BadRequest, error);
        return null;
    }

    private static bool TryRead(ReadOnlyMemory<byte> body, out NodeAddress address, out string error)
    {
        address = null!;
        error = "Socket address is missing";
        if (body.IsEmpty) return false;
        try
        {
            using var document = JsonDocument.Parse(body);
            if (document.RootElement.ValueKind is not JsonValueKind.Object) error = "Body is not a JSON object";
            else if (document.RootElement.TryGetProperty("socket-address", out var value))
            {
                error = "Socket address is not of the form host:port";
                return value.ValueKind is JsonValueKind.String && NodeAddress.TryParse(value.GetString(), out address);
            }
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException)
        {
            // The second: half of a surrogate pair, which is JSON but no text.
            error = "Body is not valid JSON";
        }

        return false;
    }
}
