using Kv.Node.Requests;
using Kv.Node.Telemetry;

namespace Kv.Node.Rest;

/// <summary>
/// Bounds the requests that are not for a key: some of them take as long as a reshard does. Their answers are waited for as those of keys are. Probes and metrics are always served.
/// </summary>
internal sealed class OtherRequests(RestOptions options, SlowClients slow, KvMetrics metrics)
{
    private readonly Bound _requests = new(options.MaxOtherRequests);

    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        // Whoever watches stays, and has a bound of its own.
        if (string.Equals(context.Request.Path.Value?.TrimEnd('/'), EventStream.Path, StringComparison.OrdinalIgnoreCase))
        {
            await next(context);
            return;
        }

        if (!context.Request.Path.StartsWithSegments("/key-value-store-shard") && !context.Request.Path.StartsWithSegments("/key-value-store-view"))
        {
            await next(context);
            return;
        }

        using var place = Place.Of(_requests);
        if (!place.IsHeld)
        {
            metrics.Shed("others");
            await RestErrors.WriteOverloadedAsync(context);
            return;
        }

        // The work may take its time. From the first byte of the answer it is the client who takes it.
        var answering = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        context.Response.OnStarting(() =>
        {
            answering.TrySetResult();
            return Task.CompletedTask;
        });
        var serving = next(context);
        await Task.WhenAny(serving, answering.Task);
        await slow.AnswerAsync(context, serving, place);
    }
}
