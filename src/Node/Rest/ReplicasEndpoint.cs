using System.Text.Json;
using Kv.Common.Replication;
using Kv.Common.Topology;
using Kv.Node.Observation;
using Kv.Node.Requests;
using Kv.Node.Security;
using Microsoft.AspNetCore.Http.Features;

namespace Kv.Node.Rest;

/// <summary>
/// GET of <c>/key-value-store-view/replicas-of/&lt;key&gt;</c>: what each replica holds of a key. On the raw request target, as <see cref="KeyValueEndpoints"/> is, so that every key can be asked for.
/// </summary>
internal sealed class ReplicasEndpoint(KeyReplicas replicas, RequestOptions options, RestAccess access)
{
    public const string Route = Prefix + "{key}";

    /// <summary>What metadata of a route would say, were there one.</summary>
    public const Role Needed = Role.Read;

    private const string Prefix = "/key-value-store-view/replicas-of/";

    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        if (!RestRequest.TryReadSegment(context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget, Prefix, out var segment))
        {
            await next(context);
            return;
        }

        await (access.IsOn ? access.ServeAsync(context, Needed, admitted => AnswerAsync(admitted, segment)) : AnswerAsync(context, segment));
    }

    private async Task AnswerAsync(HttpContext context, string segment)
    {
        if (!HttpMethods.IsGet(context.Request.Method))
        {
            context.Response.Headers.Allow = "GET";
            await RestErrors.WriteAsync(context, Problems.MethodNotAllowed);
            return;
        }

        if (!RestRequest.TryReadKey(segment, options.MaxKeyCharacters, out var key, out var error))
        {
            await RestErrors.WriteAsync(context, StatusCodes.Status400BadRequest, error);
            return;
        }

        context.Response.Headers.CacheControl = "no-store";
        await JsonAnswer.WriteAsync(context, StatusCodes.Status200OK, await replicas.LookUpAsync(key, context.RequestAborted), Write);
    }

    private static void Write(Utf8JsonWriter json, KeyHoldings holdings)
    {
        json.WriteString("message", "Replicas retrieved successfully");
        json.WriteString("key", holdings.Key.Utf8.Span);
        json.WriteString("shard-id", holdings.Shard.ToString());
        json.WriteNumber("arc", HashRing.ArcOf(holdings.Key.Position));
        json.WriteBoolean("doesExist", holdings.Newest is { IsTombstone: false });
        if (holdings.Newest is { } newest) Write(json, newest);
        json.WriteStartArray("replicas");
        foreach (var replica in holdings.Replicas) Write(json, replica);
        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, WriteRecord newest)
    {
        if (!newest.IsTombstone)
        {
            json.WritePropertyName("value");
            json.WriteRawValue(newest.Value.Span, skipInputValidation: true);
        }

        JsonAnswer.Token(json, JsonEncodedText.Encode("version"), newest.Token.Span);
        WriteName(json, newest);
        json.WriteNumber("epoch", newest.OpenedToken.Epoch.Value);
        json.WriteStartArray("dependencies");
        // The write's own dot travels in its token, but it does not depend on itself.
        foreach (var dot in newest.OpenedToken.Dependencies.Where(dot => dot != newest.Dot)) json.WriteStringValue(dot.ToString());
        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, KeyHolding replica)
    {
        json.WriteStartObject();
        json.WriteString("socket-address", replica.Address.ToString());
        json.WriteString("role", replica.Role.ToString().ToLowerInvariant());
        json.WriteString("state", replica.State switch
        {
            HoldingState.Current => "current",
            HoldingState.Older => "older",
            HoldingState.Absent => "absent",
            HoldingState.Unreachable => "unreachable",
            _ => throw new System.Diagnostics.UnreachableException(),
        });
        if (replica.Record is { } record) WriteName(json, record);
        json.WriteEndObject();
    }

    private static void WriteName(Utf8JsonWriter json, WriteRecord record)
    {
        json.WriteString("dot", record.Dot.ToString());
        json.WriteString("stamp", record.Stamp.ToString());
        json.WriteBoolean("deleted", record.IsTombstone);
    }
}
