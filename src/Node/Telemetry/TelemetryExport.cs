using System.Diagnostics.CodeAnalysis;

namespace Kv.Node.Telemetry;

/// <summary>
/// What leaves the node over OTLP, by the variables that OpenTelemetry has for it. Off unless an endpoint or an exporter is named; the exporter itself reads the rest of the variables
/// (<c>OTEL_EXPORTER_OTLP_HEADERS</c>, <c>OTEL_BSP_…</c>, <c>OTEL_TRACES_SAMPLER</c> and so on).
/// </summary>
internal sealed record TelemetryExport(bool Traces, bool Metrics)
{
    public static TelemetryExport None { get; } = new(false, false);

    /// <summary>Reads the variables and says what is wrong with them.</summary>
    public static TelemetryExport Read(IConfiguration configuration, List<string> errors)
    {
        foreach (var name in (string[])["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"])
        {
            if (IsGiven(configuration[name], out var endpoint) && !(Uri.TryCreate(endpoint, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"))
                errors.Add($"{name}: '{endpoint}' is not a URL of the form http://host:port.");
        }

        if (IsGiven(configuration["OTEL_EXPORTER_OTLP_PROTOCOL"], out var protocol) && protocol is not ("grpc" or "http/protobuf"))
            errors.Add("OTEL_EXPORTER_OTLP_PROTOCOL must be grpc or http/protobuf.");
        var (traces, metrics) = (IsOn(configuration, "TRACES", errors), IsOn(configuration, "METRICS", errors));
        return string.Equals(configuration["OTEL_SDK_DISABLED"], "true", StringComparison.OrdinalIgnoreCase) ? None : new(traces, metrics);
    }

    private static bool IsOn(IConfiguration configuration, string signal, List<string> errors)
    {
        if (!IsGiven(configuration[$"OTEL_{signal}_EXPORTER"], out var exporter))
            return IsGiven(configuration["OTEL_EXPORTER_OTLP_ENDPOINT"], out _) || IsGiven(configuration[$"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"], out _);
        if (exporter is not ("otlp" or "none")) errors.Add($"OTEL_{signal}_EXPORTER must be otlp or none.");
        return exporter is "otlp";
    }

    // To OpenTelemetry a variable that is empty is one that is not set.
    private static bool IsGiven(string? text, [NotNullWhen(true)] out string? value) => (value = string.IsNullOrWhiteSpace(text) ? null : text.Trim()) is not null;
}
