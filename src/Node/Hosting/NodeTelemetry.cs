using Kv.Common.Identity;
using Kv.Node.Telemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Kv.Node.Hosting;

/// <summary>How the node's metrics and spans get out: metrics at <c>/metrics</c> always, both over OTLP when the variables of OpenTelemetry ask for it.</summary>
internal static class NodeTelemetry
{
    public static void AddNodeTelemetry(this IServiceCollection services, TelemetryExport export, NodeAddress self)
    {
        var telemetry = services.AddOpenTelemetry().WithMetrics(metrics =>
        {
            metrics.AddMeter(KvMetrics.MeterName).AddMeter("Microsoft.AspNetCore.Server.Kestrel").AddRuntimeInstrumentation();
            metrics.AddPrometheusExporter();
            if (export.Metrics) metrics.AddOtlpExporter();
        });
        if (!export.Traces && !export.Metrics) return;
        // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come last and win.
        telemetry.ConfigureResource(resource => resource
            .AddService("kv-node", serviceVersion: CommandLine.Version, serviceInstanceId: self.ToString())
            .AddEnvironmentVariableDetector());
        if (export.Traces) telemetry.WithTracing(traces => traces.AddSource(KvTracing.SourceName).AddOtlpExporter());
    }
}
