using Kv.Common.Identity;
using Kv.Common.Topology;
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
    /// <summary>Throws <see cref="InvalidOptionsException"/> or <see cref="DataDirectoryRefusedException"/> when the node must not start.</summary>
    public static WebApplication Build(string[] args)
    {
        // The settings file belongs to the program, not to the directory it is started in.
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
        var options = NodeOptions.Read(builder.Configuration);
        var genesis = Genesis.Provisional(options.View, options.ShardCount);

        builder.Logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.UseUtcTimestamp = true;
            console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
        });
        // While anybody could log there, the host makes an activity and a log scope for every request: half of what a GET allocates.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);
        builder.WebHost.ConfigureKestrel(kestrel => KestrelEndpoints.Listen(kestrel, options));
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(3));

        var (self, storage) = OpenStorage(options, genesis, builder.Services);
        builder.Services.AddNode(options, self, new(genesis)).AddProductionEdges(storage);
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

    private static (NodeIdentity Self, IStorageEngine Storage) OpenStorage(NodeOptions options, ClusterTopology genesis, IServiceCollection services)
    {
        if (options.InMemory) return (new(genesis.Cluster, options.SocketAddress, new(NewIncarnation())), new InMemoryStorage(new InMemoryDisk()));
        var directory = DataDirectory.Open(options.DataDirectory, genesis.Cluster, options.SocketAddress, NewIncarnation);
        services.AddSingleton(_ => directory);
        return (new(genesis.Cluster, options.SocketAddress, directory.Incarnation), RocksDbStorage.Open(directory.StorePath, options.Storage));
    }

    private static ulong NewIncarnation() => BitConverter.ToUInt64(System.Security.Cryptography.RandomNumberGenerator.GetBytes(8));
}
