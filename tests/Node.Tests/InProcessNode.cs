using Grpc.Net.Client;
using Kv.Common.Topology;
using Kv.Node.Hosting;
using Kv.Node.Signals;
using Kv.TestSupport;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Kv.Node.Tests;

/// <summary>A whole node in this process, listening on loopback, without data on disk.</summary>
internal sealed class InProcessNode : IAsyncDisposable
{
    private readonly WebApplication _app;

    private InProcessNode(WebApplication app, int port, DoorKeys? keys)
    {
        _app = app;
        Port = port;
        Address = $"127.0.0.1:{port}";
        Client = new(Address, keys: keys);
        Channel = GrpcChannel.ForAddress($"http://127.0.0.1:{port + NodePorts.PeerOffset}");
    }

    public int Port { get; }

    public string Address { get; }

    public KvClient Client { get; }

    public GrpcChannel Channel { get; }

    /// <summary>All that is mapped at its REST door.</summary>
    public IReadOnlyList<RouteEndpoint> Routes => [.. ((IEndpointRouteBuilder)_app).DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()];

    /// <summary>Starts a node and waits until it is ready. <paramref name="absent"/>: members of its view that nobody runs.</summary>
    public static Task<InProcessNode> StartAsync(int shards = 1, IReadOnlyList<string>? absent = null, params string[] options) => StartSecuredAsync(null, shards, absent, options);

    /// <summary>The same for a node whose REST door asks for <paramref name="keys"/>.</summary>
    public static async Task<InProcessNode> StartSecuredAsync(DoorKeys? keys, int shards = 1, IReadOnlyList<string>? absent = null, params string[] options)
    {
        var port = NodePorts.Take();
        var node = await BeginAsync(port, [$"127.0.0.1:{port}", .. absent ?? []], shards, keys, options);
        await node.UntilReadyAsync();
        return node;
    }

    /// <summary>Starts so many nodes of one cluster, all in this process, and waits until each is ready, sees the others, and knows that they have formed their cluster. Metrics of one process are not told apart by node.</summary>
    public static async Task<IReadOnlyList<InProcessNode>> StartClusterAsync(int nodes, int shards, params string[] options)
    {
        int[] ports = [.. Enumerable.Range(0, nodes).Select(_ => NodePorts.Take()).Order()];
        string[] view = [.. ports.Select(port => $"127.0.0.1:{port}")];
        var started = await Task.WhenAll(ports.Select(port => BeginAsync(port, view, shards, null, options)));
        foreach (var node in started)
        {
            await node.UntilReadyAsync();
            await Eventually.Async(async () => (await node.Client.ViewAsync()).Count, count => count == nodes, TimeSpan.FromSeconds(10), "the nodes see each other");
            // Until then nothing of the cluster can be changed.
            await node.Service<Published<ClusterTopology>>().WaitAsync(view => view.IsSealed, CancellationToken.None).AsTask().WaitAsync(TimeSpan.FromSeconds(20));
        }

        return started;
    }

    private static async Task<InProcessNode> BeginAsync(int port, IReadOnlyList<string> view, int shards, DoorKeys? keys, string[] options)
    {
        var app = await NodeApplication.BuildAsync(
        [
            $"--SOCKET_ADDRESS=127.0.0.1:{port}",
            $"--VIEW={string.Join(',', view)}",
            $"--SHARD_COUNT={shards}",
            "--KV_STORAGE=memory",
            "--Replica:FormationGrace=00:00:00.1",
            "--Requests:FirstHearing=00:00:00",
            "--Logging:LogLevel:Default=Warning",
            "--Logging:LogLevel:Microsoft.Hosting.Lifetime=Warning",
            .. options,
        ], removedIn: null, new NodeEnding()) ?? throw new InvalidOperationException("The node was told to stop while it started.");
        await app.StartAsync();
        return new(app, port, keys);
    }

    private Task UntilReadyAsync() =>
        Eventually.Async(async () => (await Client.GetPathAsync("/readyz")).Status == 200, TimeSpan.FromSeconds(10), "the node is ready");

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
