using System.Collections.Concurrent;
using System.Text;
using Kv.Node.Telemetry;
using Kv.TestSupport;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace Kv.Node.Tests.Telemetry;

/// <summary>What leaves a node over OTLP, and by which variables.</summary>
public class TelemetryExportTests
{
    [Theory]
    [InlineData(false, false, "")]
    [InlineData(true, true, "OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4317")]
    [InlineData(true, false, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://collector:4317")]
    [InlineData(false, true, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://collector:4317")]
    [InlineData(true, false, "OTEL_TRACES_EXPORTER=otlp")]
    [InlineData(false, true, "OTEL_METRICS_EXPORTER=otlp")]
    [InlineData(true, false, "OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4317 OTEL_METRICS_EXPORTER=none")]
    [InlineData(false, false, "OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4317 OTEL_SDK_DISABLED=true")]
    [InlineData(false, false, "OTEL_EXPORTER_OTLP_ENDPOINT= OTEL_TRACES_EXPORTER=")]
    public void Nothing_is_exported_unless_a_variable_asks_for_it(bool traces, bool metrics, string variables)
    {
        var errors = new List<string>();
        Assert.Equal(new TelemetryExport(traces, metrics), TelemetryExport.Read(Settings(variables), errors));
        Assert.Empty(errors);
    }

    [Theory]
    [InlineData("OTEL_TRACES_EXPORTER=zipkin", "OTEL_TRACES_EXPORTER must be otlp or none.")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT=collector:4317", "OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317' is not a URL of the form http://host:port.")]
    [InlineData("OTEL_EXPORTER_OTLP_PROTOCOL=json", "OTEL_EXPORTER_OTLP_PROTOCOL must be grpc or http/protobuf.")]
    public void What_cannot_be_meant_is_refused(string variables, string expected)
    {
        var errors = new List<string>();
        TelemetryExport.Read(Settings(variables), errors);
        Assert.Equal([expected], errors);
    }

    [Fact]
    public async Task Spans_and_metrics_of_a_request_reach_the_collector()
    {
        await using var collector = await Collector.StartAsync();
        await using (var node = await InProcessNode.StartAsync(options:
        [
            $"--OTEL_EXPORTER_OTLP_ENDPOINT={collector.Url}", "--OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", "--OTEL_BSP_SCHEDULE_DELAY=100", "--OTEL_METRIC_EXPORT_INTERVAL=200",
        ]))
        {
            Assert.Equal(201, (await node.Client.PutAsync("secret-key", "\"secret-value\"")).Status);
            await Eventually.Async(() => Task.FromResult(collector.Has("/v1/traces", "group commit") && collector.Has("/v1/traces", "PUT /key-value-store/{key}")), TimeSpan.FromSeconds(20), "the spans arrive");
            await Eventually.Async(() => Task.FromResult(collector.Has("/v1/metrics", "kv.request.duration")), TimeSpan.FromSeconds(20), "the metrics arrive");
            Assert.True(collector.Has("/v1/traces", "kv-node") && collector.Has("/v1/traces", node.Address));
        }

        // Keys and values are the clients'.
        Assert.False(collector.Has("/v1/traces", "secret-"));
    }

    private static IConfiguration Settings(string variables) => new ConfigurationBuilder()
        .AddInMemoryCollection(variables.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(variable => variable.Split('=', 2)).Select(pair => KeyValuePair.Create(pair[0], (string?)pair[1])))
        .Build();

    /// <summary>Keeps what is posted to it.</summary>
    private sealed class Collector(WebApplication app, ConcurrentQueue<(string Path, string Body)> posted) : IAsyncDisposable
    {
        public string Url => app.Urls.Single();

        public static async Task<Collector> StartAsync()
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            var app = builder.Build();
            var posted = new ConcurrentQueue<(string, string)>();
            app.Run(async context =>
            {
                var body = new MemoryStream();
                await context.Request.Body.CopyToAsync(body);
                posted.Enqueue((context.Request.Path.Value!, Encoding.Latin1.GetString(body.ToArray())));
                context.Response.StatusCode = StatusCodes.Status200OK;
            });
            await app.StartAsync();
            return new(app, posted);
        }

        public bool Has(string path, string text) => posted.Any(message => message.Path == path && message.Body.Contains(text, StringComparison.Ordinal));

        public ValueTask DisposeAsync() => app.DisposeAsync();
    }
}
