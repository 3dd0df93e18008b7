using Microsoft.Extensions.Primitives;

namespace Kv.Node.Rest;

/// <summary>
/// What every answer says to browsers and caches. Set before it is made, so that what is no data may say otherwise. No Strict-Transport-Security: a browser would apply it to every port of
/// the host, and those of others may have no TLS.
/// </summary>
internal static class SecurityHeaders
{
    private static readonly StringValues NoSniff = "nosniff";
    private static readonly StringValues NoStore = "no-store";

    public static void Set(IHeaderDictionary headers)
    {
        headers.XContentTypeOptions = NoSniff;
        headers.CacheControl = NoStore;
    }
}
