using Kv.Node.Replica;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Kv.Node.Rpc;

/// <summary>Readiness for <c>grpc.health.v1</c>.</summary>
internal sealed class ReadinessCheck(Readiness readiness) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(readiness.WhyNot() is { } reason ? HealthCheckResult.Unhealthy(reason) : HealthCheckResult.Healthy());
}
