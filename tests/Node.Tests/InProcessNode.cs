using Grpc.Net.Client;
using Kv.Node.Hosting;
using Kv.TestSupport;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Kv.Node.Tests;

/// <summary>A whole node in this process, listening on loopback, without data on disk.</summary>
internal sealed class InProcessNode : IAsyncDisposable
{
    private readonly WebApplication _app;

    private InProcessNode(WebApplication app, int port)
    {
        _app = app;
        Port = port;
        Address = $"127.0.0.1:{port}";
        Client = new(Address);
        Channel = GrpcChannel.ForAddress($"http://127.0.0.1:{port + NodePorts.PeerOffset}");
    }

    public int Port { get; }

    public string Address { get; }

    public KvClient Client { get; }

    public GrpcChannel Channel { get; }

    /// <summary>Starts a node and waits until it is ready. <paramref name="absent"/>: members of its view that nobody runs.</summary>
    public static async Task<InProcessNode> StartAsync(int shards = 1, IReadOnlyList<string>? absent = null, params string[] options)
    {
        var port = NodePorts.Take();
        var address = $"127.0.0.1:{port}";
        var app = await NodeApplication.BuildAsync(
        [
            $"--SOCKET_ADDRESS={address}",
            $"--VIEW={string.Join(',', [address, .. absent ?? []])}",
            $"--SHARD_COUNT={shards}",
            "--KV_STORAGE=memory",
            "--Replica:FormationGrace=00:00:00.1",
            "--Requests:FirstHearing=00:00:00",
            "--Logging:LogLevel:Default=Warning",
            "--Logging:LogLevel:Microsoft.Hosting.Lifetime=Warning",
            .. options,
        ], removedIn: null, new NodeEnding()) ?? throw new InvalidOperationException("The node was told to stop while it started.");
        await app.StartAsync();
        var node = new InProcessNode(app, port);
        await Eventually.Async(
            async () => (await node.Client.GetPathAsync("/readyz")).Status == 200, TimeSpan.FromSeconds(10), "the node is ready");
        return node;
    }

    public T Service<T>()
        where T : notnull => _app.Services.GetRequiredService<T>();

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        Channel.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
