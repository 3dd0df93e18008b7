using Kv.Node.Telemetry;
using Microsoft.Extensions.Logging.Console;

namespace Kv.Node.Hosting;

/// <summary>What the node and the time before it have in common: settings, logging, the two doors.</summary>
internal static class NodeHost
{
    /// <summary>How the log is written: <c>text</c> or <c>json</c>.</summary>
    public const string LogFormatVariable = "KV_LOG_FORMAT";

    /// <summary>The settings alone.</summary>
    public static WebApplicationBuilder CreateBuilder(string[] args)
    {
        // The settings file belongs to the program, not to the directory it is started in.
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
        // With traces, what is logged within one says in which: the scopes have TraceId and SpanId.
        var isTraced = TelemetryExport.Read(builder.Configuration, []).Traces;
        // Anything else is refused with the other settings, and said as text.
        if (builder.Configuration[LogFormatVariable] is "json") builder.Logging.AddJsonConsole(console =>
        {
            console.IncludeScopes = isTraced;
            Stamp(console);
        });
        else builder.Logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.IncludeScopes = isTraced;
            Stamp(console);
        });
        builder.Logging.Configure(logging => logging.ActivityTrackingOptions = isTraced ? ActivityTrackingOptions.TraceId | ActivityTrackingOptions.SpanId : ActivityTrackingOptions.None);
        // While anybody could log there, the host makes an activity and a log scope for every request: half of what a GET allocates.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);
        return builder;
    }

    /// <summary>And the doors that the settings ask for.</summary>
    public static WebApplicationBuilder CreateBuilder(string[] args, NodeOptions options)
    {
        var builder = CreateBuilder(args);
        builder.WebHost.ConfigureKestrel(kestrel => KestrelEndpoints.Listen(kestrel, options));
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(3));
        return builder;
    }

    private static void Stamp(ConsoleFormatterOptions console)
    {
        console.UseUtcTimestamp = true;
        console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
    }
}
