using Kv.Node.Security;

namespace Kv.Node.Rest;

/// <summary>What a route needs of whoever asks. Every route says one of these; one that says nothing is refused as soon as there are API keys.</summary>
internal static class Access
{
    /// <summary>An API key of at least this role.</summary>
    public static TRoute Needs<TRoute>(this TRoute route, Role role)
        where TRoute : IEndpointConventionBuilder => route.WithMetadata(new NeededRole(role));

    /// <summary>Its answers have no end, but for that of the key for which they are given: <see cref="StandingKey"/>.</summary>
    public static TRoute IsEndless<TRoute>(this TRoute route)
        where TRoute : IEndpointConventionBuilder => route.WithMetadata(new Endless());

    /// <summary>Nothing: it shows no data and changes nothing. Limits of clients do not count it either.</summary>
    public static TRoute IsOpen<TRoute>(this TRoute route)
        where TRoute : IEndpointConventionBuilder => route.WithMetadata(new NeededRole(null));
}

/// <summary>On an endpoint: the role that it needs, or null for none.</summary>
internal sealed record NeededRole(Role? Role);

/// <summary>On an endpoint whose answer has no end and that has a bound of its own: it takes from its client's rate, and not from what the client may have under way.</summary>
internal sealed record Endless;
