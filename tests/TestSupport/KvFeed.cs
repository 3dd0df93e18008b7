using System.Net.Sockets;
using System.Text;

namespace Kv.TestSupport;

/// <summary>A client of a change feed that reads server-sent events as they come.</summary>
public sealed class KvFeed : IDisposable
{
    private readonly HttpClient _http;
    private readonly HttpResponseMessage _response;
    private readonly StreamReader _lines;

    private KvFeed(HttpClient http, HttpResponseMessage response, Stream body) => (_http, _response, _lines) = (http, response, new(body, Encoding.UTF8));

    public int Status => (int)_response.StatusCode;

    public string? ContentType => _response.Content.Headers.ContentType?.MediaType;

    /// <summary>The id that a browser would send when it connects again: the last one; null when there was none, or it was taken back.</summary>
    public string? LastId { get; private set; }

    /// <summary>Connects; the answer may be a refusal, whose body is <see cref="BodyAsync"/>. <paramref name="path"/>: of another stream than the feed.</summary>
    public static async Task<KvFeed> OpenAsync(
        string address, string query = "", string? lastId = null, string? token = null, string? apiKey = null, string path = "/key-value-store-changes", CancellationToken stop = default)
    {
        var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = Timeout.InfiniteTimeSpan };
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"http://{address}{path}{query}");
            if (lastId is not null) request.Headers.TryAddWithoutValidation("Last-Event-ID", lastId);
            if (apiKey is not null) request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {apiKey}");
            if (token is not null) request.Headers.TryAddWithoutValidation("Causal-Metadata", token);
            var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop);
            return new(http, response, await response.Content.ReadAsStreamAsync(stop)) { LastId = lastId };
        }
        catch
        {
            http.Dispose();
            throw;
        }
    }

    /// <summary>Null when the node cannot be reached.</summary>
    public static async Task<KvFeed?> TryOpenAsync(string address, string query, string? lastId, CancellationToken stop)
    {
        try
        {
            return await OpenAsync(address, query, lastId, stop: stop);
        }
        catch (Exception unreachable) when (unreachable is HttpRequestException or SocketException or IOException or OperationCanceledException)
        {
            return null;
        }
    }

    public Task<string> BodyAsync() => _lines.ReadToEndAsync();

    /// <summary>The next event, comments included; null at the end of the stream, or when it breaks off.</summary>
    public async Task<FeedEvent?> NextAsync(CancellationToken stop)
    {
        var (type, id, data) = ("message", default(string), new StringBuilder());
        while (await LineAsync(stop) is { } line)
        {
            if (line.Length == 0)
            {
                if (id is not null) LastId = id.Length == 0 ? null : id;
                if (data.Length > 0 || id is not null) return new(type, data.ToString(), id);
                continue;
            }

            var colon = line.IndexOf(':', StringComparison.Ordinal);
            var (name, value) = colon < 0 ? (line, "") : (line[..colon], line[(colon + 1)..].TrimStart(' '));
            if (name.Length == 0) return new("comment", value, null);
            if (name == "event") type = value;
            else if (name == "id") id = value;
            else if (name == "data") data.Append(data.Length > 0 ? "\n" : "").Append(value);
        }

        return null;
    }

    /// <summary>The next event of one of these types.</summary>
    public async Task<FeedEvent> NextOfAsync(CancellationToken stop, params string[] types)
    {
        while (await NextAsync(stop) is { } next)
        {
            if (types.Contains(next.Type)) return next;
        }

        throw new InvalidOperationException($"The feed ended without {string.Join(" or ", types)}.");
    }

    /// <summary>The next so many puts and deletions.</summary>
    public async Task<IReadOnlyList<FeedEvent>> ChangesAsync(int count, CancellationToken stop)
    {
        var changes = new List<FeedEvent>();
        while (changes.Count < count) changes.Add(await NextOfAsync(stop, "put", "delete"));
        return changes;
    }

    public void Dispose()
    {
        _lines.Dispose();
        _response.Dispose();
        _http.Dispose();
    }

    private async Task<string?> LineAsync(CancellationToken stop)
    {
        try
        {
            return await _lines.ReadLineAsync(stop);
        }
        catch (Exception broken) when (broken is IOException or HttpRequestException)
        {
            return null;
        }
    }
}
