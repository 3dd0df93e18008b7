using Kv.Common.Causality;
using Kv.Node.Requests;
using Kv.Node.Telemetry;
using Microsoft.AspNetCore.Http.Features;

namespace Kv.Node.Rest;

/// <summary>
/// GET, PUT and DELETE of <c>/key-value-store/&lt;key&gt;</c>. A middleware on the raw request target and not a route: routing sees the path only after
/// escapes were undone and dots removed, which changes keys.
/// </summary>
internal sealed class KeyValueEndpoints(
    WritePath writes, ReadPath reads, RequestBudget budget, SlowClients slow, CausalTokenCodec tokens, TimeProvider time, RequestOptions options, KvMetrics metrics)
{
    private const string Prefix = "/key-value-store/";

    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        if (!TryMatch(target, out var segment))
        {
            await next(context);
            return;
        }

        await AnswerAsync(context, segment);
        // Methods are the client's to invent; one series each would be a leak.
        var isKnown = context.Response.StatusCode != StatusCodes.Status405MethodNotAllowed;
        metrics.Answered(isKnown ? context.Request.Method : "_OTHER", context.Response.StatusCode);
    }

    private static bool TryMatch(string target, out string segment)
    {
        segment = "";
        var path = RestRequest.RawPath(target);
        if (!path.StartsWith(Prefix)) return false;
        var rest = path[Prefix.Length..];
        if (rest.IsEmpty || rest.Contains('/')) return false;
        segment = rest.ToString();
        return true;
    }

    private async Task AnswerAsync(HttpContext context, string segment)
    {
        // 1. Check.
        var method = context.Request.Method;
        var isGet = HttpMethods.IsGet(method);
        var isPut = HttpMethods.IsPut(method);
        if (!isGet && !isPut && !HttpMethods.IsDelete(method))
        {
            context.Response.Headers.Allow = "GET, PUT, DELETE";
            await RestErrors.WriteAsync(context, StatusCodes.Status405MethodNotAllowed, "Method not allowed");
            return;
        }

        // Before anything is read that would be read in vain.
        if (!budget.HasRoom(isGet))
        {
            await RestErrors.WriteOverloadedAsync(context);
            return;
        }

        if (!RestRequest.TryReadKey(segment, options.MaxKeyCharacters, out var key, out var error))
        {
            await RestErrors.WriteAsync(context, StatusCodes.Status400BadRequest, error);
            return;
        }

        if (await slow.ReadBodyAsync(context, options.MaxBodyBytes) is not { } bytes) return;
        if (!RequestBody.TryRead(bytes, out var body, out error)
            || !CausalMetadata.TryRead(context.Request, body, tokens, out var token, out error)
            || !TryReadConcern(context.Request, out var concern, out error)
            || (isPut && !HasValue(body, out error)))
        {
            await RestErrors.WriteAsync(context, StatusCodes.Status400BadRequest, error);
            return;
        }

        // 2. Call, if there is a place.
        using var place = isGet ? budget.TryRead() : budget.TryWrite(bytes.Length);
        var origin = RequestOrigin.Client(options, time);
        var outcome = !place.IsHeld ? new Outcome.Overloaded()
            : isGet ? await reads.ReadAsync(new(key, token), origin)
            : isPut ? await writes.WriteAsync(new PutCommand(key, body.Value!.Value, token, concern), origin)
            : await writes.WriteAsync(new DeleteCommand(key, token, concern), origin);

        // 3. Translate. The place is for the work: a client that takes its time with the answer does not keep it.
        await slow.AnswerAsync(context, OutcomeResults.WriteAsync(context, outcome), place);
    }

    private static bool HasValue(RequestBody body, out string error)
    {
        error = body.Value is null ? "Value is missing" : "";
        return body.Value is not null;
    }

    private static bool TryReadConcern(HttpRequest request, out WriteConcernLevel concern, out string error)
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
                error = "Write concern must be local, majority or all";
                return false;
        }
    }
}
