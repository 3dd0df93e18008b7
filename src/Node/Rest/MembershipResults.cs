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
            RestErrors.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, $"No node of this cluster answers at {nobody.Address}", 1, problem: Problems.NobodyAnswers),
        MembershipOutcome.StillHandingOver leaving =>
            RestErrors.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, $"{leaving.Address} is still handing over its writes", 1, problem: Problems.StillHandingOver),
        MembershipOutcome.StillJoining joining =>
            RestErrors.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, $"{joining.Address} is still being filled", 1, problem: Problems.StillJoining),
        MembershipOutcome.NoQuorum { Missing.IsEmpty: true } => RestErrors.WriteAsync(context, Problems.NoTopologyYet, 1),
        MembershipOutcome.NoQuorum lost => RestErrors.WriteAsync(context, Problems.NoQuorum, 1, json =>
        {
            json.WriteStartArray("missing");
            foreach (var address in lost.Missing) json.WriteStringValue(address.ToString());
            json.WriteEndArray();
        }),
        MembershipOutcome.Overtaken => RestErrors.WriteAsync(context, Problems.ReshardOvertaken),
        MembershipOutcome.Cancelled => RestErrors.WriteAsync(context, Problems.ReshardCancelled),
        // Scripts compare the message.
        MembershipOutcome.Refused { Reason: ChangeRefusal.NotEnoughNodes } =>
            RestErrors.WriteAsync(context, Problems.NotEnoughNodes.Status, Problems.NotEnoughNodes.Title, message: Problems.NotEnoughNodes.Title),
        MembershipOutcome.Refused refused => RestErrors.WriteAsync(context, ProblemOf(refused.Reason), refused.Reason is ChangeRefusal.WasRemoved ? 1 : null),
        _ => throw new UnreachableException(),
    };

    private static Problem ProblemOf(ChangeRefusal reason) => reason switch
    {
        ChangeRefusal.NotMember => Problems.NotInView,
        ChangeRefusal.UnknownShard => Problems.ShardDoesNotExist,
        ChangeRefusal.ServesAnotherShard => Problems.ServesAnotherShard,
        ChangeRefusal.LastReplica => Problems.LastReplica,
        ChangeRefusal.WasRemoved => Problems.NodeWasRemoved,
        ChangeRefusal.ReshardRunning => Problems.ReshardRunning,
        _ => Problems.TopologyChanged,
    };
}
