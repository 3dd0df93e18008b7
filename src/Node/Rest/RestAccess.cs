using Kv.Node.Security;
using Kv.Node.Telemetry;

namespace Kv.Node.Rest;

/// <summary>Who may do what at the REST door, and how much of it: API keys and the limits of clients, where there are any.</summary>
internal sealed class RestAccess(NodeSecurity security, ClientLimits limits, KvMetrics metrics)
{
    private const string Challenge = "Bearer realm=\"key-value-store\"";

    /// <summary>False when everybody may do everything.</summary>
    public bool IsOn { get; } = security.Keys is not null || limits.IsOn;

    /// <summary>For what was routed. The framework's own answers to what was not (404, 405) are no routes of ours and tell nothing.</summary>
    public Task ServeAsync(HttpContext context, RequestDelegate serve)
    {
        if (context.GetEndpoint() is not RouteEndpoint route) return serve(context);
        return route.Metadata.GetMetadata<NeededRole>() switch
        {
            { Role: null } => serve(context),
            { Role: { } needed } => ServeAsync(context, needed, serve),
            // A route that was added without a thought of who may use it.
            null => ServeAsync(context, null, serve),
        };
    }

    /// <summary>Serves those who may; answers the others. <paramref name="needed"/>: null for what nobody may while there are keys.</summary>
    public async Task ServeAsync(HttpContext context, Role? needed, RequestDelegate serve)
    {
        string? client = null;
        var isEndless = context.GetEndpoint()?.Metadata.GetMetadata<Endless>() is not null;
        if (security.Keys is { } keys)
        {
            var presented = Presented(context.Request);
            if (presented.IsEmpty)
            {
                await RefuseAsync(context, Problems.KeyNotGiven, "no_key", Challenge);
                return;
            }

            if (keys.Current.Find(presented) is not { } key)
            {
                await RefuseAsync(context, Problems.KeyNotKnown, "unknown_key", Challenge + ", error=\"invalid_token\"");
                return;
            }

            if (needed is null || key.Role < needed)
            {
                await RefuseAsync(context, Problems.RoleTooSmall, "role", Challenge + ", error=\"insufficient_scope\"");
                return;
            }

            client = key.Name;
            if (isEndless) serve = StandingOn(new StandingKey(keys, key, needed.Value), serve);
        }

        if (!limits.IsOn)
        {
            await serve(context);
            return;
        }

        using var place = limits.TryEnter(client ?? ClientLimits.NameOf(context.Connection.RemoteIpAddress), out var retryAfterSeconds);
        if (place is not null)
        {
            if (isEndless) place.Dispose();
            await serve(context);
            return;
        }

        metrics.Refused("limit");
        await RestErrors.WriteAsync(context, Problems.TooManyRequests, retryAfterSeconds);
    }

    private static RequestDelegate StandingOn(StandingKey key, RequestDelegate serve) => context => key.ServeAsync(context, serve);

    // Two headers, or one that is not of this form, are no key. Never from the query: addresses are logged and shared.
    private static ReadOnlySpan<char> Presented(HttpRequest request)
    {
        const string Scheme = "Bearer ";
        var headers = request.Headers.Authorization;
        return headers is [{ } header] && header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? header.AsSpan(Scheme.Length).Trim(' ') : default;
    }

    private Task RefuseAsync(HttpContext context, Problem problem, string why, string challenge)
    {
        metrics.Refused(why);
        context.Response.Headers.WWWAuthenticate = challenge;
        return RestErrors.WriteAsync(context, problem);
    }
}
