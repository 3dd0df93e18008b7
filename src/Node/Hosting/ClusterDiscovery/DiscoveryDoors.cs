using Kv.Node.Rest;
using Kv.Node.Security;

namespace Kv.Node.Hosting.ClusterDiscovery;

/// <summary>Both doors while a node looks for its cluster: clients are asked to come back, other nodes are told that it is undecided.</summary>
internal sealed class DiscoveryDoors : IAsyncDisposable
{
    private readonly WebApplication _app;

    private DiscoveryDoors(WebApplication app) => _app = app;

    /// <summary>Cancelled when the process is told to stop.</summary>
    public CancellationToken Stopping => _app.Lifetime.ApplicationStopping;

    public NodeSecurity Security => _app.Services.GetRequiredService<NodeSecurity>();

    public ILoggerFactory Loggers => _app.Services.GetRequiredService<ILoggerFactory>();

    /// <summary>Listens on the ports that the node itself will have. Throws <see cref="IOException"/> when one is taken.</summary>
    public static async Task<DiscoveryDoors> OpenAsync(string[] args, NodeOptions options)
    {
        var builder = NodeHost.CreateBuilder(args, options);
        // The node itself says that it has started and where it listens.
        builder.Services.Configure<ConsoleLifetimeOptions>(console => console.SuppressStatusMessages = true);
        builder.Logging.AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Warning);
        builder.Services.AddSingleton(options).AddSingleton(TimeProvider.System).AddSecurity(options).AddSingleton<UndecidedControlPlane>().AddGrpc();

        var app = builder.Build();
        var doors = new DiscoveryDoors(app);
        app.UseDoors(options, peers => peers.UseRouting().UseEndpoints(services => services.MapGrpcService<UndecidedControlPlane>()));
        app.Run(AnswerAsync);
        try
        {
            await app.StartAsync();
            return doors;
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    /// <summary>The ports are free again when the task completes.</summary>
    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private static Task AnswerAsync(HttpContext context)
    {
        SecurityHeaders.Set(context.Response.Headers);
        return AnswerProbeAsync(context);
    }

    private static Task AnswerProbeAsync(HttpContext context) => context.Request.Path == "/livez"
        ? Results.Json(new("alive"), RestJsonContext.Default.ProbeAnswer).ExecuteAsync(context)
        : RestErrors.WriteAsync(context, Problems.NoCluster, 1);
}
