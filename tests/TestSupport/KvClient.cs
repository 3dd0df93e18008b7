using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;

namespace Kv.TestSupport;

/// <summary>
/// A client of one node's REST door that changes nothing on the way: keys are given percent-encoded, bodies as they are to be sent. Never follows or retries.
/// </summary>
public sealed class KvClient : IDisposable
{
    public const string ReshardPath = "/key-value-store-shard/reshard";

    private readonly HttpClient _http;
    private readonly string _origin;

    /// <param name="address">The node's, <c>host:port</c>.</param>
    /// <param name="timeout">How long any request may take.</param>
    /// <param name="reusesConnections">False for a connection per request: on a kept one that is found dead, the handler sends a request again by itself.</param>
    /// <param name="keys">What the door asks for.</param>
    public KvClient(string address, TimeSpan? timeout = null, bool reusesConnections = true, DoorKeys? keys = null)
    {
        Address = address;
        _origin = $"{(keys?.Authority is null ? "http" : "https")}://{address}";
        var handler = new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, ConnectTimeout = TimeSpan.FromSeconds(5) };
        if (!reusesConnections) handler.PooledConnectionLifetime = TimeSpan.Zero;
        if (keys?.Authority is { } authority)
        {
            handler.SslOptions.CertificateChainPolicy = new()
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                CustomTrustStore = { authority.Certificate },
                RevocationMode = X509RevocationMode.NoCheck,
            };
        }

        _http = new(handler) { Timeout = timeout ?? TimeSpan.FromSeconds(30) };
        if (keys?.ApiKey is { } key) _http.DefaultRequestHeaders.Authorization = new("Bearer", key);
    }

    public string Address { get; }

    /// <summary><c>/key-value-store/…</c> of a key as text.</summary>
    public static string PathOf(string key) => $"/key-value-store/{Uri.EscapeDataString(key)}";

    /// <summary>The body of a PUT whose value is <paramref name="json"/>.</summary>
    public static string BodyOf(string json, string? token = null) =>
        token is null ? $$"""{"value": {{json}}}""" : $$"""{"value": {{json}}, "causal-metadata": {{JsonSerializer.Serialize(token)}}}""";

    /// <summary>PUT with the token in the body.</summary>
    public Task<KvAnswer> PutAsync(string key, string json, string? token = null, string query = "") =>
        SendAsync(HttpMethod.Put, PathOf(key) + query, BodyOf(json, token));

    /// <summary>GET with the token in the header.</summary>
    public Task<KvAnswer> GetAsync(string key, string? token = null) => SendAsync(HttpMethod.Get, PathOf(key), headerToken: token);

    /// <summary>DELETE with the token in the header.</summary>
    public Task<KvAnswer> DeleteAsync(string key, string? token = null, string query = "") => SendAsync(HttpMethod.Delete, PathOf(key) + query, headerToken: token);

    public Task<KvAnswer> GetPathAsync(string path, string? token = null) => SendAsync(HttpMethod.Get, path, headerToken: token);

    public Task<KvAnswer> SendAsync(
        HttpMethod method, string path, string? body = null, string? headerToken = null, string? contentType = "application/json", CancellationToken stop = default) =>
        SendAsync(method, path, body is null ? null : Encoding.UTF8.GetBytes(body), headerToken, contentType, stop: stop);

    /// <param name="method">Any method.</param>
    /// <param name="path">Path and query, sent as they are.</param>
    /// <param name="body">Null for none.</param>
    /// <param name="headerToken">For the header <c>Causal-Metadata</c>.</param>
    /// <param name="contentType">Null for none.</param>
    /// <param name="chunked">Without a Content-Length.</param>
    /// <param name="stop">Gives the request up; the node may have served it.</param>
    public async Task<KvAnswer> SendAsync(
        HttpMethod method, string path, byte[]? body, string? headerToken = null, string? contentType = "application/json", bool chunked = false, CancellationToken stop = default)
    {
        var uri = new Uri(_origin + path, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        using var request = new HttpRequestMessage(method, uri);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body);
            if (contentType is not null) request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        }

        if (chunked) request.Headers.TransferEncodingChunked = true;
        if (headerToken is not null) request.Headers.TryAddWithoutValidation("Causal-Metadata", headerToken);
        using var response = await _http.SendAsync(request, stop);
        return await KvAnswer.ReadAsync(response);
    }

    /// <summary>As <see cref="GetPathAsync"/>; null when the node cannot be reached or breaks off.</summary>
    public async Task<KvAnswer?> TryAsync(Func<KvClient, Task<KvAnswer>> request)
    {
        try
        {
            return await request(this);
        }
        catch (Exception unreachable) when (unreachable is HttpRequestException or SocketException or IOException or OperationCanceledException)
        {
            return null;
        }
    }

    /// <summary>The live members as this node sees them; empty when it does not answer.</summary>
    public async Task<IReadOnlyList<string>> ViewAsync() =>
        await TryAsync(c => c.GetPathAsync("/key-value-store-view")) is { Status: 200 } answer ? answer.Text("view").Split(',') : [];

    public async Task<IReadOnlyList<string>> ShardIdsAsync() => (await GetPathAsync("/key-value-store-shard/shard-ids")).Text("shard-ids").Split(',');

    public async Task<IReadOnlyList<string>> MembersAsync(string shard) =>
        (await GetPathAsync($"/key-value-store-shard/shard-id-members/{shard}")).Text("shard-id-members").Split(',');

    public async Task<long> KeyCountAsync(string shard) =>
        (await GetPathAsync($"/key-value-store-shard/shard-id-key-count/{shard}")).Member("shard-id-key-count").GetInt64();

    /// <summary>The sum of the key counts of all shards.</summary>
    public async Task<long> KeyCountAsync()
    {
        var sum = 0L;
        foreach (var shard in await ShardIdsAsync()) sum += await KeyCountAsync(shard);
        return sum;
    }

    /// <summary>Asks for so many shards; answered when they serve, so a client of a slow reshard needs patience.</summary>
    public Task<KvAnswer> ReshardAsync(int shards) => SendAsync(HttpMethod.Put, ReshardPath, $$"""{"shard-count": {{Number(shards)}}}""");

    /// <summary>How far the reshard under way is.</summary>
    public Task<KvAnswer> ReshardStatusAsync() => GetPathAsync(ReshardPath);

    /// <summary>Gives up the reshard under way.</summary>
    public Task<KvAnswer> CancelReshardAsync() => SendAsync(HttpMethod.Delete, ReshardPath);

    /// <summary>A number as a JSON value.</summary>
    public static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    public void Dispose() => _http.Dispose();
}
