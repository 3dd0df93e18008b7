using System.Net;
using System.Text;
using System.Text.Json;

namespace Kv.TestSupport;

/// <summary>An answer of the REST door: status, headers, the body as bytes and, when it is JSON, parsed.</summary>
public sealed class KvAnswer
{
    private readonly Dictionary<string, string> _headers;

    private KvAnswer(int status, Dictionary<string, string> headers, byte[] raw)
    {
        Status = status;
        _headers = headers;
        Raw = raw;
        try
        {
            using var document = JsonDocument.Parse(raw, new JsonDocumentOptions { MaxDepth = 1024 });
            Json = document.RootElement.Clone();
        }
        catch (JsonException)
        {
            Json = null;
        }
    }

    public int Status { get; }

    public byte[] Raw { get; }

    public string Body => Encoding.UTF8.GetString(Raw);

    /// <summary>Null when the body is not JSON.</summary>
    public JsonElement? Json { get; }

    /// <summary>The string member <c>causal-metadata</c>.</summary>
    public string Token => Text("causal-metadata");

    public string Version => Text("version");

    public string Error => Text("error");

    public string Message => Text("message");

    /// <summary>The bytes of the member <c>value</c>, exactly as they stand in the body.</summary>
    public string RawValue
    {
        get
        {
            var reader = new Utf8JsonReader(Raw, new JsonReaderOptions { MaxDepth = 1024 });
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isValue = reader.ValueTextEquals("value"u8);
                reader.Read();
                var start = (int)reader.TokenStartIndex;
                reader.Skip();
                if (isValue) return Encoding.UTF8.GetString(Raw.AsSpan(start..(int)reader.BytesConsumed));
            }

            throw new InvalidOperationException($"No value in: {this}");
        }
    }

    public static async Task<KvAnswer> ReadAsync(HttpResponseMessage response)
    {
        var headers = response.Headers.Concat(response.Content.Headers).ToDictionary(h => h.Key, h => string.Join(", ", h.Value), StringComparer.OrdinalIgnoreCase);
        return new((int)response.StatusCode, headers, await response.Content.ReadAsByteArrayAsync());
    }

    public bool Has(HttpStatusCode status) => Status == (int)status;

    public string? Header(string name) => _headers.GetValueOrDefault(name);

    public bool HasMember(string name) => Json is { ValueKind: JsonValueKind.Object } json && json.TryGetProperty(name, out _);

    public JsonElement Member(string name) =>
        Json is { ValueKind: JsonValueKind.Object } json && json.TryGetProperty(name, out var member)
            ? member
            : throw new InvalidOperationException($"No member '{name}' in: {this}");

    /// <summary>A member that must be a string.</summary>
    public string Text(string name) =>
        Member(name) is { ValueKind: JsonValueKind.String } text ? text.GetString()! : throw new InvalidOperationException($"Member '{name}' is not a string in: {this}");

    public override string ToString() => $"{Status} {(Raw.Length <= 2000 ? Body : $"{Encoding.UTF8.GetString(Raw.AsSpan(0, 2000))}… ({Raw.Length} bytes)")}";
}
