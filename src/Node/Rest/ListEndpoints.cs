using System.Text.Json;
using Kv.Common.Causality;
using Kv.Node.Requests;
using Kv.Node.Telemetry;

namespace Kv.Node.Rest;

/// <summary>GET of <c>/key-value-store</c>: the keys that begin with a prefix, page by page.</summary>
internal sealed class ListEndpoints(
    ListPath lists, RequestBudget budget, SlowClients slow, CausalTokenCodec tokens, TimeProvider time, RequestOptions options, ListOptions listing, KvMetrics metrics)
{
    private static readonly JsonEncodedText CausalMetadataName = JsonEncodedText.Encode("causal-metadata");
    private static readonly JsonEncodedText VersionName = JsonEncodedText.Encode("version");

    public async Task GetAsync(HttpContext context)
    {
        var since = time.GetTimestamp();
        await AnswerAsync(context);
        metrics.Answered("LIST", context.Response.StatusCode, time.GetElapsedTime(since));
    }

    private async Task AnswerAsync(HttpContext context)
    {
        // 1. Check.
        if (!budget.HasRoom(isRead: true))
        {
            await RestErrors.WriteOverloadedAsync(context);
            return;
        }

        if (await slow.ReadBodyAsync(context, options.MaxBodyBytes) is not { } bytes) return;
        if (!ListQuery.TryRead(context.Request, options.MaxKeyCharacters, listing, out var wanted, out var error)
            || !RequestBody.TryRead(bytes, out var body, out error)
            || !CausalMetadata.TryRead(context.Request, body, tokens, out var token, out error))
        {
            await RestErrors.WriteAsync(context, StatusCodes.Status400BadRequest, error);
            return;
        }

        // 2. Call, if there is a place.
        using var place = budget.TryList();
        var outcome = place.IsHeld ? await lists.ListAsync(wanted, token, RequestOrigin.Client(options, time)) : new Outcome.Overloaded();

        // 3. Translate.
        var writing = outcome is Outcome.Listed listed
            ? JsonAnswer.WriteAsync(context, StatusCodes.Status200OK, (listed, wanted.WithValues), static (json, page) => Write(json, page.listed, page.WithValues))
            : OutcomeResults.WriteAsync(context, outcome);
        await slow.AnswerAsync(context, writing, place);
    }

    private static void Write(Utf8JsonWriter json, Outcome.Listed page, bool withValues)
    {
        json.WriteString("message"u8, "Keys retrieved successfully"u8);
        json.WriteStartArray("keys"u8);
        foreach (var listed in page.Keys)
        {
            json.WriteStartObject();
            json.WriteString("key"u8, listed.Key.Utf8.Span);
            if (withValues)
            {
                json.WritePropertyName("value"u8);
                json.WriteRawValue(listed.Value.Span, skipInputValidation: true);
            }

            JsonAnswer.Token(json, VersionName, listed.Version.Span);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        if (page.Through is { } through) json.WriteString("cursor"u8, ListCursor.Write(through));
        JsonAnswer.Token(json, CausalMetadataName, page.Token.Span);
    }
}
