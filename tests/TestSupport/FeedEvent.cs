using System.Text.Json;

namespace Kv.TestSupport;

/// <summary>One server-sent event of a change feed; a comment is one too, of type <c>comment</c>.</summary>
/// <param name="Type">As it was sent.</param>
/// <param name="Data">Its data, lines joined.</param>
/// <param name="Id">Its own id; null when it has none.</param>
public sealed record FeedEvent(string Type, string Data, string? Id)
{
    public JsonElement Json { get; } = Data.StartsWith('{') ? JsonDocument.Parse(Data).RootElement.Clone() : default;

    public bool IsChange => Type is "put" or "delete";

    public string Key => Json.GetProperty("key").GetString()!;

    /// <summary>The value of a put as text of JSON; null for a deletion.</summary>
    public string? Value => Type == "put" ? Json.GetProperty("value").GetRawText() : null;

    public string Version => Json.GetProperty("version").GetString()!;

    public string Token => Json.GetProperty("causal-metadata").GetString()!;
}
