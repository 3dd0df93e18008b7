using System.Diagnostics;
using Kv.Common.Topology;
using Kv.Node.Requests;

namespace Kv.Node.Rest;

/// <summary>The one translation of membership outcomes into answers; what success is called is for the endpoint to say.</summary>
internal static class MembershipResults
{
    public static Task WriteFailureAsync(HttpContext context, MembershipOutcome outcome) => outcome switch
    {
        MembershipOutcome.NobodyAnswers nobody =>
            RestErrors.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, $"No node of this cluster answers at {nobody.Address}", 1),
        MembershipOutcome.StillHandingOver leaving =>
            RestErrors.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, $"{leaving.Address} is still handing over its writes", 1),
        MembershipOutcome.StillJoining joining =>
            RestErrors.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, $"{joining.Address} is still being filled", 1),
        MembershipOutcome.NoQuorum { Missing.IsEmpty: true } => RestErrors.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "Topology cannot be changed yet", 1),
        MembershipOutcome.NoQuorum lost => RestErrors.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "Topology cannot be changed without its quorum", 1, json =>
        {
            json.WriteStartArray("missing");
            foreach (var address in lost.Missing) json.WriteStringValue(address.ToString());
            json.WriteEndArray();
        }),
        MembershipOutcome.Overtaken => RestErrors.WriteAsync(context, StatusCodes.Status409Conflict, "Another reshard has ended since"),
        MembershipOutcome.Cancelled => RestErrors.WriteAsync(context, StatusCodes.Status409Conflict, "Reshard was cancelled"),
        // Scripts compare the message.
        MembershipOutcome.Refused { Reason: ChangeRefusal.NotEnoughNodes } =>
            RestErrors.WriteAsync(context, StatusCodes.Status400BadRequest, ErrorOf(ChangeRefusal.NotEnoughNodes), message: ErrorOf(ChangeRefusal.NotEnoughNodes)),
        MembershipOutcome.Refused refused =>
            RestErrors.WriteAsync(context, StatusOf(refused.Reason), ErrorOf(refused.Reason), refused.Reason is ChangeRefusal.WasRemoved ? 1 : null),
        _ => throw new UnreachableException(),
    };

    private static int StatusOf(ChangeRefusal reason) => reason switch
    {
        ChangeRefusal.NotMember or ChangeRefusal.NotEnoughNodes => StatusCodes.Status400BadRequest,
        ChangeRefusal.UnknownShard => StatusCodes.Status404NotFound,
        ChangeRefusal.WasRemoved => StatusCodes.Status503ServiceUnavailable,
        _ => StatusCodes.Status409Conflict,
    };

    private static string ErrorOf(ChangeRefusal reason) => reason switch
    {
        ChangeRefusal.NotMember => "Socket address does not exist in the view",
        ChangeRefusal.UnknownShard => "Shard ID does not exist",
        ChangeRefusal.ServesAnotherShard => "Node serves another shard",
        ChangeRefusal.LastReplica => "Node is the last replica of its shard",
        ChangeRefusal.WasRemoved => "Node was removed and has not begun anew yet",
        ChangeRefusal.ReshardRunning => "A reshard is running",
        ChangeRefusal.NotEnoughNodes => "Not enough nodes to provide fault-tolerance with the given shard count!",
        _ => "Topology has changed meanwhile",
    };
}
