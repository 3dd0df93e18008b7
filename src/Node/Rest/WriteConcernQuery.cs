using Kv.Node.Requests;

namespace Kv.Node.Rest;

/// <summary><c>?w=local|majority|all</c> of requests that write.</summary>
internal static class WriteConcernQuery
{
    /// <summary>The error is for the client.</summary>
    public static bool TryRead(HttpRequest request, out WriteConcernLevel concern, out string error)
    {
        concern = WriteConcernLevel.Default;
        error = "";
        if (!request.QueryString.HasValue || !request.Query.TryGetValue("w", out var text)) return true;
        switch (text.ToString())
        {
            case "local":
                concern = WriteConcernLevel.Local;
                return true;
            case "majority":
                concern = WriteConcernLevel.Majority;
                return true;
            case "all":
                concern = WriteConcernLevel.All;
                return true;
            default:
                error = Problems.WriteConcern.Title;
                return false;
        }
    }
}
