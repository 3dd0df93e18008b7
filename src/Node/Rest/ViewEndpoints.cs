using Kv.Common.Membership;
using Kv.Node.Signals;

namespace Kv.Node.Rest;

/// <summary><c>/key-value-store-view</c>: who is alive.</summary>
internal static class ViewEndpoints
{
    public static void MapView(this IEndpointRouteBuilder routes) => routes.MapGet("/key-value-store-view", Get);

    private static IResult Get(Published<MembershipView> membership) =>
        Results.Json(new("View retrieved successfully", string.Join(',', membership.Current.LiveMembers)), RestJsonContext.Default.ViewAnswer);
}
