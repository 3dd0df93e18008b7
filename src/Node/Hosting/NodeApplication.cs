using Kv.Common.Topology;
using Kv.Node.Hosting.ClusterDiscovery;
using Kv.Node.Hosting.Drain;
using Kv.Node.Rest;
using Kv.Node.Rpc;
using Kv.Node.Storage;
using Kv.Node.Storage.InMemory;
using Kv.Node.Storage.RocksDb;

namespace Kv.Node.Hosting;

/// <summary>Builds a runnable node from its configuration, and runs it.</summary>
internal static class NodeApplication
{
    /// <summary>
    /// Runs a node until the process is told to stop; when the node is removed from its cluster, another one in its place. Throws
    /// <see cref="InvalidOptionsException"/>, <see cref="DataDirectoryRefusedException"/> or <see cref="StorageFailedException"/> when it must not start. What ended it while it ran is in
    /// the process's exit code.
    /// </summary>
    public static async Task RunAsync(string[] args)
    {
        args = Rebuilding.TranslateArguments(args);
        ClusterTopology? removedIn = null;
        do
        {
            var ending = new NodeEnding();
            if (await BuildAsync(args, removedIn, ending) is { } node) await node.RunAsync();
            removedIn = ending.RemovedIn;
        }
        while (removedIn is not null);
    }

    /// <summary>Null when the process was told to stop before the node knew its cluster.</summary>
    public static async Task<WebApplication?> BuildAsync(string[] args, ClusterTopology? removedIn, NodeEnding ending)
    {
        await using var settings = NodeHost.CreateBuilder(args).Build();
        var options = NodeOptions.Read(settings.Configuration);
        return await Rebuilding.BuildAsync(options, TimeProvider.System, settings.Services.GetRequiredService<ILogger<NodeOrigin>>(), async () =>
            await NodeOrigin.FindAsync(options, removedIn, () => ClusterFinder.FindAsync(args, options, TimeProvider.System)) is { } origin ? Build(args, options, origin, ending) : null);
    }

    /// <summary>Everything a node is made of, but for the doors it listens on.</summary>
    public static void AddServices(WebApplicationBuilder builder, NodeOptions options, NodeOrigin origin, NodeEnding ending)
    {
        if (origin.Directory is { } directory) builder.Services.AddSingleton(_ => directory);
        builder.Services.AddNode(options, origin.Self, origin.Topology).AddProductionEdges(OpenStorage(options, origin.Directory));
        builder.Services.AddSingleton(ending);
        builder.Services.AddHostedService<NodeLifecycle>();
        builder.Services.AddSingleton<IHostLifetime, DrainingLifetime>();
        builder.Services.AddNodeRpc();
        builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, RestJsonContext.Default));
        builder.Services.AddNodeTelemetry(options.Telemetry, options.SocketAddress);
    }

    /// <summary>What answers at the two doors.</summary>
    public static void UseDoors(WebApplication app, NodeOptions options)
    {
        app.UseDoors(options, peers => peers.UseNodeRpc());
        app.UseNodeRest();
    }

    private static WebApplication Build(string[] args, NodeOptions options, NodeOrigin origin, NodeEnding ending)
    {
        var builder = NodeHost.CreateBuilder(args, options);
        try
        {
            AddServices(builder, options, origin, ending);
        }
        catch
        {
            // Nobody else has it yet.
            origin.Directory?.Dispose();
            throw;
        }

        var app = builder.Build();
        try
        {
            // First made, last disposed of: the lock is released after the storage is closed.
            app.Services.GetService<DataDirectory>();
            UseDoors(app, options);
            app.Services.GetRequiredService<NodeGauges>();
            return app;
        }
        catch
        {
            ((IDisposable)app.Services).Dispose();
            throw;
        }
    }

    private static IStorageEngine OpenStorage(NodeOptions options, DataDirectory? directory) =>
        directory is null ? new InMemoryStorage(new InMemoryDisk()) : RocksDbStorage.Open(directory.StorePath, options.Storage);
}
