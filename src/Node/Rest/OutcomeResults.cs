using Kv.Common.Causality;
using Kv.Node.Requests;

namespace Kv.Node.Rest;

/// <summary>Answers a request for a key with its outcome.</summary>
internal static class OutcomeResults
{
    public static Task WriteAsync(HttpContext context, Outcome outcome)
    {
        RestErrors.RetryAfter(context, OutcomeMembers.RetryAfterOf(outcome));
        var status = OutcomeMembers.StatusOf(outcome);
        return JsonAnswer.WriteAsync(
            context,
            status,
            (outcome, context.Request.Method),
            static (json, state) => OutcomeMembers.Write(json, state.outcome, state.Method),
            status < 400 ? JsonAnswer.PlainJson : RestErrors.ContentTypeFor(context.Request));
    }

    public static string ErrorOf(TokenRejection rejection) => OutcomeMembers.ProblemOf(rejection).Title;
}
