using System.Text.Json;
using Kv.TestSupport;

namespace Kv.Cluster.Tests;

public sealed class LogFormatTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("kv-log-").FullName;
    private readonly string _address = $"127.0.0.1:{NodePorts.Take()}";

    [Fact]
    public async Task A_log_in_json_is_an_object_a_line()
    {
        await using var node = NodeProcess.Start(new Dictionary<string, string>
        {
            ["SOCKET_ADDRESS"] = _address,
            ["SHARD_COUNT"] = "1",
            ["KV_DATA_DIR"] = _directory,
            ["KV_LOG_FORMAT"] = "json",
        });
        using var client = new KvClient(_address);
        await node.UntilReadyAsync(client);
        node.Terminate();
        await node.ExitCodeAsync(TimeSpan.FromSeconds(5));
        var events = node.Log.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.NotEmpty(events);
        Assert.All(events, entry => Assert.True(entry.TryGetProperty("Timestamp", out _) && entry.TryGetProperty("LogLevel", out _) && entry.TryGetProperty("Category", out _) && entry.TryGetProperty("Message", out _)));
        Assert.Contains(events, entry => entry.GetProperty("Category").GetString() == "Kv.Node.Hosting.NodeLifecycle");
    }

    [Fact]
    public async Task While_traces_are_exported_what_is_logged_within_a_request_names_its_trace()
    {
        const string Trace = "0af7651916cd43dd8448eb211c80319c";
        await using var node = NodeProcess.Start(new Dictionary<string, string>
        {
            ["SOCKET_ADDRESS"] = _address,
            ["SHARD_COUNT"] = "1",
            ["KV_DATA_DIR"] = _directory,
            ["KV_LOG_FORMAT"] = "json",
            // Nobody listens there, which is nothing to the node.
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:9",
            ["Logging__LogLevel__Microsoft.AspNetCore.Routing"] = "Debug",
        });
        using var client = new KvClient(_address);
        await node.UntilReadyAsync(client);
        using var http = new HttpClient(new SocketsHttpHandler { ActivityHeadersPropagator = null });
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://{_address}/key-value-store-view");
        request.Headers.Add("traceparent", $"00-{Trace}-b7ad6b7169203331-01");
        using var answer = await http.SendAsync(request);
        Assert.True(answer.IsSuccessStatusCode);
        node.Terminate();
        await node.ExitCodeAsync(TimeSpan.FromSeconds(20));
        var traced = node.Log.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line.Contains(Trace, StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(traced);
        Assert.All(traced, line => Assert.Contains(JsonDocument.Parse(line).RootElement.GetProperty("Scopes").EnumerateArray(), scope => scope.TryGetProperty("TraceId", out var id) && id.GetString() == Trace));
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);
}
