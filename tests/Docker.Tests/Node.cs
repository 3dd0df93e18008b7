using System.Net.Http.Json;
using System.Text.Json;
using Xunit;

namespace Kv.Docker.Tests;

/// <summary>One node as a client on this machine reaches it: container node<i>i</i>, 10.10.0.<i>i+1</i>, published on localhost.</summary>
internal sealed record Node(int Number)
{
    // A connection per request: pooled ones would be found dead after a kill and blamed on the node.
    private static readonly HttpClient Http = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero }) { Timeout = TimeSpan.FromSeconds(20) };

    // A reshard is answered when it is done.
    private static readonly HttpClient Patient = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero }) { Timeout = TimeSpan.FromMinutes(2) };

    private static readonly HttpClient Pooled = new() { Timeout = TimeSpan.FromSeconds(20) };

    public string Name => $"node{Number}";

    public string Ip => $"10.10.0.{Number + 1}";

    public string Address => $"{Ip}:8080";

    private Uri Url => new($"http://127.0.0.1:{Cluster.RestPort(Number)}");

    /// <param name="key">As text.</param>
    /// <param name="value">A string.</param>
    /// <param name="token">What the write is to come after.</param>
    /// <param name="query">With its question mark.</param>
    /// <param name="pooled">Over connections that are kept: quicker, for as long as no node is killed.</param>
    public Task<Answer> PutAsync(string key, string value, string token = "", string query = "", bool pooled = false)
    {
        var request = new HttpRequestMessage(HttpMethod.Put, KeyPath(key) + query)
        {
            Content = JsonContent.Create(new Dictionary<string, string> { ["value"] = value, ["causal-metadata"] = token }),
        };
        return SendAsync(request, pooled ? Pooled : null);
    }

    /// <summary>Reads a key with everything that <paramref name="token"/> has seen.</summary>
    public Task<Answer> ReadAsync(string key, string token = "", bool pooled = false)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, KeyPath(key));
        request.Headers.Add("Causal-Metadata", token);
        return SendAsync(request, pooled ? Pooled : null);
    }

    public Task<Answer> GetAsync(string path) => SendAsync(new HttpRequestMessage(HttpMethod.Get, path));

    /// <summary>A request that names a node.</summary>
    public Task<Answer> SendAsync(HttpMethod method, string path, string socketAddress) => SendAsync(new HttpRequestMessage(method, path)
    {
        Content = JsonContent.Create(new Dictionary<string, string> { ["socket-address"] = socketAddress }),
    });

    /// <summary>The sum of the key counts of all shards.</summary>
    public async Task<long> KeyCountAsync()
    {
        var sum = 0L;
        foreach (var shard in (await GetAsync("/key-value-store-shard/shard-ids")).Text("shard-ids")!.Split(','))
        {
            sum += (await GetAsync($"/key-value-store-shard/shard-id-key-count/{shard}")).Number("shard-id-key-count");
        }

        return sum;
    }

    /// <summary>Asks for so many shards.</summary>
    public Task<Answer> ReshardAsync(int shards) => SendAsync(
        new HttpRequestMessage(HttpMethod.Put, "/key-value-store-shard/reshard") { Content = JsonContent.Create(new Dictionary<string, int> { ["shard-count"] = shards }) },
        Patient);

    /// <summary>How far the reshard under way is.</summary>
    public Task<Answer> ReshardStatusAsync() => GetAsync("/key-value-store-shard/reshard");

    /// <summary>Null when nobody answers.</summary>
    public async Task<Answer?> TryGetAsync(string path)
    {
        try
        {
            return await GetAsync(path);
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    private static string KeyPath(string key) => $"/key-value-store/{Uri.EscapeDataString(key)}";

    private async Task<Answer> SendAsync(HttpRequestMessage request, HttpClient? client = null)
    {
        using (request)
        {
            request.RequestUri = new Uri(Url, request.RequestUri!);
            using var response = await (client ?? Http).SendAsync(request, TestContext.Current.CancellationToken);
            return new Answer(
                (int)response.StatusCode,
                await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken),
                response.Headers.RetryAfter is not null);
        }
    }
}

/// <summary>A node's answer: status, JSON body, and whether it says when to try again.</summary>
internal sealed record Answer(int Status, string Body, bool SaysRetryAfter)
{
    /// <summary>The token to send with the next request of the same chain.</summary>
    public string Token => Text("causal-metadata") ?? throw new InvalidOperationException($"no causal-metadata in {this}");

    public bool Accepted => Status is 200 or 201;

    /// <summary>A string member of the body; null when it is not there.</summary>
    public string? Text(string member)
    {
        using var body = JsonDocument.Parse(Body);
        return body.RootElement.TryGetProperty(member, out var value) ? value.GetString() : null;
    }

    public override string ToString() => $"{Status} {Body}";

    public long Number(string member)
    {
        using var body = JsonDocument.Parse(Body);
        return body.RootElement.GetProperty(member).GetInt64();
    }
}
