using Kv.Node.Security;

namespace Kv.Node.Rest;

/// <summary>The path of the change feed.</summary>
internal static class ChangesRoutes
{
    public static void MapChanges(this IEndpointRouteBuilder routes)
    {
        var endpoint = routes.ServiceProvider.GetRequiredService<ChangesEndpoint>();
        routes.MapGet("/key-value-store-changes", endpoint.GetAsync).Needs(Role.Read).IsEndless();
    }
}
