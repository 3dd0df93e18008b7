using System.Text.Json;
using Kv.Common.Identity;

namespace Kv.Node.Rest;

/// <summary>The body of requests that name a node: <c>{"socket-address":"10.10.0.8:8080"}</c>.</summary>
internal static class SocketAddressBody
{
    /// <summary>The address, or null when the request was answered with what is wrong.</summary>
    public static ValueTask<NodeAddress?> ReadAsync(HttpContext context) => JsonBody.ReadAsync<NodeAddress>(context, TryRead);

    private static string? TryRead(JsonElement body, out NodeAddress? address)
    {
        address = null;
        if (!body.TryGetProperty("socket-address", out var value)) return "Socket address is missing";
        return value.ValueKind is JsonValueKind.String && NodeAddress.TryParse(value.GetString(), out address) ? null : "Socket address is not of the form host:port";
    }
}
