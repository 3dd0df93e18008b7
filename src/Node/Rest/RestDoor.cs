using Kv.Node.Security;

namespace Kv.Node.Rest;

/// <summary>The REST door as a whole.</summary>
internal static class RestDoor
{
    public static void UseNodeRest(this WebApplication app)
    {
        var tracing = app.Services.GetRequiredService<RequestTracing>();
        app.Use(next => context => tracing.InvokeAsync(context, next));
        app.Use(next => context =>
        {
            SecurityHeaders.Set(context.Response.Headers);
            return next(context);
        });
        app.UseMiddleware<RestFailures>();
        var intake = app.Services.GetRequiredService<IntakeGate>();
        app.Use(next => context => intake.InvokeAsync(context, next));
        var keyValues = app.Services.GetRequiredService<KeyValueEndpoints>();
        app.Use(next => context => keyValues.InvokeAsync(context, next));
        var others = app.Services.GetRequiredService<OtherRequests>();
        app.Use(next => context => others.InvokeAsync(context, next));
        var replicas = app.Services.GetRequiredService<ReplicasEndpoint>();
        app.Use(next => context => replicas.InvokeAsync(context, next));
        app.UseStatusCodePages(context => RestErrors.WriteForStatusAsync(context.HttpContext));
        app.UseRouting();
        var access = app.Services.GetRequiredService<RestAccess>();
        if (access.IsOn) app.Use(next => context => access.ServeAsync(context, next));
        // Every route says who may use it: Needs or IsOpen.
        app.MapGet("/key-value-store", app.Services.GetRequiredService<ListEndpoints>().GetAsync).Needs(Role.Read);
        app.MapPost("/key-value-store-batch", app.Services.GetRequiredService<BatchEndpoints>().PostAsync).Needs(Role.Write);
        app.MapView();
        app.MapConvergence();
        app.MapScrub();
        app.MapStatus();
        app.MapShards();
        app.MapChanges();
        app.MapBackup();
        app.MapProbes();
        app.MapProblems();
        app.MapOpenApi();
        app.MapConsole();
        app.MapPrometheusScrapingEndpoint("/metrics").Needs(Role.Read);
    }
}
