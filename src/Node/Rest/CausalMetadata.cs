using System.Text;
using Kv.Common.Causality;
using Kv.Node.Requests;

namespace Kv.Node.Rest;

/// <summary>Finds and opens the token of a request: the body's comes first, then the header's, then the query's; an empty one counts as absent.</summary>
internal static class CausalMetadata
{
    /// <summary>False when there is a token and it is refused; the error is for the client.</summary>
    public static bool TryRead(HttpRequest request, RequestBody body, CausalTokenCodec tokens, out PresentedToken token, out string error)
    {
        token = PresentedToken.None;
        error = "";
        var text = body.Token;
        if (text.IsEmpty && request.Headers.TryGetValue("Causal-Metadata", out var header)) text = Encoding.UTF8.GetBytes(header.ToString());
        if (text.IsEmpty && request.QueryString.HasValue && request.Query.TryGetValue("causal-metadata", out var query)) text = Encoding.UTF8.GetBytes(query.ToString());
        if (text.IsEmpty) return true;

        var rejection = tokens.TryOpenText(text.Span, out var opened, out var @sealed);
        if (rejection == TokenRejection.None)
        {
            token = new(opened, @sealed);
            return true;
        }

        error = OutcomeResults.ErrorOf(rejection);
        return false;
    }
}
