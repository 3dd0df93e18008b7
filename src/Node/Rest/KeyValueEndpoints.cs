using Kv.Common.Causality;
using Kv.Node.Requests;
using Kv.Node.Security;
using Kv.Node.Telemetry;
using Microsoft.AspNetCore.Http.Features;

namespace Kv.Node.Rest;

/// <summary>
/// GET, PUT and DELETE of <c>/key-value-store/&lt;key&gt;</c>. A middleware on the raw request target and not a route: routing sees the path only after
/// escapes were undone and dots removed, which changes keys.
/// </summary>
internal sealed class KeyValueEndpoints(
    WritePath writes,
    ReadPath reads,
    RequestBudget budget,
    SlowClients slow,
    CausalTokenCodec tokens,
    TimeProvider time,
    RequestOptions options,
    KvMetrics metrics,
    RequestRate rate,
    RestAccess access)
{
    /// <summary>What routing would be told, were it asked.</summary>
    public const string Route = Prefix + "{key}";

    private const string Prefix = "/key-value-store/";

    public static IReadOnlyList<string> Methods { get; } = ["GET", "PUT", "DELETE"];

    private static readonly string Allowed = string.Join(", ", Methods);

    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        if (!RestRequest.TryReadSegment(target, Prefix, out var segment))
        {
            // Routing would take it for a listing: whoever has lost the key asks for something else.
            if (RestRequest.RawPath(target).SequenceEqual(Prefix)) await RestErrors.WriteAsync(context, Problems.NotFound);
            else await next(context);
            return;
        }

        var since = time.GetTimestamp();
        await (access.IsOn ? AnswerAdmittedAsync(context, segment) : AnswerAsync(context, segment));
        rate.Answered();
        // Methods are the client's to invent; one series each would be a leak.
        var method = HttpMethods.GetCanonicalizedValue(context.Request.Method);
        metrics.Answered(Methods.Contains(method) ? method : "_OTHER", context.Response.StatusCode, time.GetElapsedTime(since));
    }

    /// <summary>What metadata of a route would say, were there one: the role that a method needs. An invented one needs as much as any.</summary>
    public static Role Needed(string method) => HttpMethods.IsGet(method) ? Role.Read : Role.Write;

    // A method of its own, so that only those who need the closure pay for it.
    private Task AnswerAdmittedAsync(HttpContext context, string segment) =>
        access.ServeAsync(context, Needed(context.Request.Method), admitted => AnswerAsync(admitted, segment));

    private async Task AnswerAsync(HttpContext context, string segment)
    {
        // 1. Check.
        var method = context.Request.Method;
        var isGet = HttpMethods.IsGet(method);
        var isPut = HttpMethods.IsPut(method);
        if (!isGet && !isPut && !HttpMethods.IsDelete(method))
        {
            context.Response.Headers.Allow = Allowed;
            await RestErrors.WriteAsync(context, Problems.MethodNotAllowed);
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
            || !WriteConcernQuery.TryRead(context.Request, out var concern, out error)
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
}
