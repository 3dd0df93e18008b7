using Kv.Node.Hosting.ClusterDiscovery;
using Kv.Node.Rest;
using Kv.Node.Rpc;
using Kv.Node.Storage;
using Kv.Node.Storage.InMemory;
using Kv.Node.Storage.RocksDb;
using Kv.Node.Telemetry;
using OpenTelemetry.Metrics;

namespace Kv.Node.Hosting;

/// <summary>Builds a runnable node from its configuration.</summary>
internal static class NodeApplication
{
    /// <summary>
    /// Null when the process was told to stop before the node knew its cluster. Throws <see cref="InvalidOptionsException"/>,
    /// <see cref="DataDirectoryRefusedException"/> or <see cref="StorageFailedException"/> when the node must not start.
    /// </summary>
    public static async Task<WebApplication?> BuildAsync(string[] args)
    {
        var options = NodeOptions.Read(NodeHost.CreateBuilder(args).Configuration);
        return await NodeOrigin.FindAsync(options, () => ClusterFinder.FindAsync(args, options, TimeProvider.System)) is { } origin ? Build(args, options, origin) : null;
    }

    private static WebApplication Build(string[] args, NodeOptions options, NodeOrigin origin)
    {
        var builder = NodeHost.CreateBuilder(args, options);
        if (origin.Directory is { } directory) builder.Services.AddSingleton(_ => directory);
        builder.Services.AddNode(options, origin.Self, new(origin.Genesis)).AddProductionEdges(OpenStorage(options, origin.Directory));
        builder.Services.AddHostedService<NodeLifecycle>();
        builder.Services.AddNodeRpc();
        builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, RestJsonContext.Default));
        builder.Services.AddOpenTelemetry().WithMetrics(metrics => metrics
            .AddMeter(KvMetrics.MeterName)
            .AddMeter("Microsoft.AspNetCore.Server.Kestrel")
            .AddRuntimeInstrumentation()
            .AddPrometheusExporter());

        var app = builder.Build();
        // First made, last disposed of: the lock is released after the storage is closed.
        app.Services.GetService<DataDirectory>();
        var peerPort = options.Peers.PortOf(options.SocketAddress);
        app.MapWhen(context => context.Connection.LocalPort == peerPort, peers => peers.UseNodeRpc());
        app.UseNodeRest();
        app.Services.GetRequiredService<NodeGauges>();
        return app;
    }

    private static IStorageEngine OpenStorage(NodeOptions options, DataDirectory? directory) =>
        directory is null ? new InMemoryStorage(new InMemoryDisk()) : RocksDbStorage.Open(directory.StorePath, options.Storage);
}
