using System.Diagnostics;
using Kv.Common.Identity;
using Kv.Node.Telemetry;

namespace Kv.Node.Rest;

/// <summary>The root span of a client's request, the child of the client's own if it sent a W3C <c>traceparent</c>. Probes and metrics have none: they would be most of all traces. Keys are data and are not told.</summary>
internal sealed class RequestTracing(NodeIdentity self)
{
    private const string KeyValues = "/key-value-store/";

    public Task InvokeAsync(HttpContext context, RequestDelegate next) => KvTracing.IsOn && NameOf(context.Request.Path) is { } route ? TraceAsync(context, next, route) : next(context);

    private async Task TraceAsync(HttpContext context, RequestDelegate next, string route)
    {
        var headers = context.Request.Headers;
        // Methods are the client's to invent.
        var method = HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsPut(context.Request.Method) || HttpMethods.IsDelete(context.Request.Method) || HttpMethods.IsPost(context.Request.Method) ? context.Request.Method : "_OTHER";
        using var span = KvTracing.Request($"{method} {route}", KvTracing.Parse(headers.TraceParent, headers.TraceState));
        if (span is null)
        {
            await next(context);
            return;
        }

        span.SetTag("http.request.method", method).SetTag("http.route", route).SetTag(KvTracing.NodeTag, self.Address.ToString());
        try
        {
            await next(context);
        }
        finally
        {
            span.SetTag("http.response.status_code", context.Response.StatusCode);
            if (context.Response.StatusCode >= 500) span.SetStatus(ActivityStatusCode.Error);
        }
    }

    private static string? NameOf(PathString path)
    {
        if (path.Value is not { } text || !text.StartsWith("/key-value-store", StringComparison.Ordinal)) return null;
        if (text.StartsWith(KeyValues, StringComparison.Ordinal)) return "/key-value-store/{key}";
        if (text is "/key-value-store" or "/key-value-store-batch" or "/key-value-store-changes") return text;
        if (text.StartsWith("/key-value-store-backup", StringComparison.Ordinal)) return "/key-value-store-backup";
        return text.StartsWith("/key-value-store-view", StringComparison.Ordinal) ? "/key-value-store-view" : "/key-value-store-shard";
    }
}
