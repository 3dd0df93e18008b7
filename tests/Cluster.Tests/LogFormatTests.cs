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

    public void Dispose() => Directory.Delete(_directory, recursive: true);
}
