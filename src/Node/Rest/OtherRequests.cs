using Kv.Node.Requests;
using Kv.Node.Telemetry;

namespace Kv.Node.Rest;

/// <summary>Bounds the requests that are not for a key: some of them take as long as a reshard does. Probes and metrics are always served.</summary>
internal sealed class OtherRequests(RestOptions options, KvMetrics metrics)
{
    private readonly Bound _requests = new(options.MaxOtherRequests);

    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        if (!context.Request.Path.StartsWithSegments("/key-value-store-shard") && !context.Request.Path.StartsWithSegments("/key-value-store-view"))
        {
            await next(context);
            return;
        }

        using var place = Place.Of(_requests);
        if (place.IsHeld)
        {
            await next(context);
            return;
        }

        metrics.Shed("others");
        await RestErrors.WriteOverloadedAsync(context);
    }
}
