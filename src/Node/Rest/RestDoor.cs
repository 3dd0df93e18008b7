namespace Kv.Node.Rest;

/// <summary>The REST door as a whole.</summary>
internal static class RestDoor
{
    public static void UseNodeRest(this WebApplication app)
    {
        app.UseMiddleware<RestFailures>();
        var keyValues = app.Services.GetRequiredService<KeyValueEndpoints>();
        app.Use(next => context => keyValues.InvokeAsync(context, next));
        var others = app.Services.GetRequiredService<OtherRequests>();
        app.Use(next => context => others.InvokeAsync(context, next));
        app.UseStatusCodePages(context => RestErrors.WriteForStatusAsync(context.HttpContext));
        app.UseRouting();
        app.MapView();
        app.MapConvergence();
        app.MapShards();
        app.MapProbes();
        app.MapPrometheusScrapingEndpoint("/metrics");
    }
}
