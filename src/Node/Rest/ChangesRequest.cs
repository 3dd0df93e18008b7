using Kv.Common.Causality;
using Kv.Common.Changes;
using Kv.Node.Changes;

namespace Kv.Node.Rest;

/// <summary>
/// What a request for changes asks for: <c>?prefix=</c>, and where to begin. A resume point, in <c>Last-Event-ID</c> or else <c>?since=</c>, comes before <c>?from=</c>: a browser that
/// connects again sends it together with the address it began with.
/// </summary>
internal sealed record ChangesRequest(ReadOnlyMemory<byte> Prefix, FeedStart Start)
{
    /// <summary>Null, and an error for the client, when it cannot be read.</summary>
    public static ChangesRequest? Read(HttpRequest request, CausalTokenCodec tokens, int maxCharacters, out string error)
    {
        if (!ListQuery.TryReadPrefix(request, maxCharacters, out var prefix, out error)) return null;
        if (!CausalMetadata.TryRead(request, default, tokens, out var token, out error)) return null;
        var since = request.Headers["Last-Event-ID"].ToString() is { Length: > 0 } header ? header : request.Query["since"].ToString();
        if (since.Length > 0)
        {
            if (ResumePoint.Read(since, tokens, prefix.Span, out var rejection) is { } point) return new(prefix, new FeedStart.After(point));
            error = ErrorOf(rejection);
            return null;
        }

        switch (request.Query["from"].ToString())
        {
            case "" or "now":
                return new(prefix, new FeedStart.Now(token.Token));
            case "beginning":
                return new(prefix, new FeedStart.Beginning(token.Token));
            default:
                error = Problems.FromUnknown.Title;
                return null;
        }
    }

    private static string ErrorOf(ResumeRejection rejection) => rejection switch
    {
        ResumeRejection.OtherCluster => Problems.ResumePointForeign.Title,
        ResumeRejection.OtherPrefix => Problems.ResumePointPrefix.Title,
        _ => Problems.ResumePointMalformed.Title,
    };
}
