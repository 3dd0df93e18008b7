using Kv.Common.Membership;
using Kv.Common.Topology;
using Kv.Node.Requests;
using Kv.Node.Security;
using Kv.Node.Signals;

namespace Kv.Node.Rest;

/// <summary><c>/key-value-store-view</c>: who is alive, who is let in, who is let go.</summary>
internal static class ViewEndpoints
{
    private const string Path = "/key-value-store-view";

    public static void MapView(this IEndpointRouteBuilder routes)
    {
        routes.MapGet(Path, Get).Needs(Role.Read);
        routes.MapPut(Path, PutAsync).Needs(Role.Admin);
        routes.MapDelete(Path, DeleteAsync).Needs(Role.Admin);
    }

    // A node that was let go goes on seeing the others, and is no longer one of them.
    private static IResult Get(Published<MembershipView> membership, Published<ClusterTopology> topology) =>
        Results.Json(
            new("View retrieved successfully", string.Join(',', membership.Current.LiveMembers.Where(topology.Current.Includes))), RestJsonContext.Default.ViewAnswer);

    private static async Task PutAsync(HttpContext context, MembershipChanges changes)
    {
        if (await SocketAddressBody.ReadAsync(context) is not { } address) return;
        switch (await changes.AddAsync(address, context.RequestAborted))
        {
            case MembershipOutcome.Done:
                context.Response.StatusCode = StatusCodes.Status201Created;
                await context.Response.WriteAsJsonAsync(new("Replica added successfully to the view"), RestJsonContext.Default.MessageAnswer);
                break;
            case MembershipOutcome.AlreadySo:
                await RestErrors.WriteAsync(context, Problems.AddressInView);
                break;
            case var failed:
                await MembershipResults.WriteFailureAsync(context, failed);
                break;
        }
    }

    private static async Task DeleteAsync(HttpContext context, MembershipChanges changes)
    {
        if (await SocketAddressBody.ReadAsync(context) is not { } address) return;
        switch (await changes.RemoveAsync(address, context.RequestAborted))
        {
            case MembershipOutcome.Done:
                await context.Response.WriteAsJsonAsync(new("Replica deleted successfully from the view"), RestJsonContext.Default.MessageAnswer);
                break;
            case MembershipOutcome.Refused { Reason: ChangeRefusal.NotMember }:
                await RestErrors.WriteAsync(context, Problems.AddressNotInView);
                break;
            case var failed:
                await MembershipResults.WriteFailureAsync(context, failed);
                break;
        }
    }
}
