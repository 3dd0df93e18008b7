using System.Diagnostics;
using System.Text.Json;
using Kv.Common.Causality;
using Kv.Node.Requests;

namespace Kv.Node.Rest;

/// <summary>The one translation of outcomes into answers.</summary>
internal static class OutcomeResults
{
    private static readonly JsonEncodedText Message = JsonEncodedText.Encode("message");
    private static readonly JsonEncodedText Replaced = JsonEncodedText.Encode("replaced");
    private static readonly JsonEncodedText DoesExist = JsonEncodedText.Encode("doesExist");
    private static readonly JsonEncodedText Value = JsonEncodedText.Encode("value");
    private static readonly JsonEncodedText CausalMetadata = JsonEncodedText.Encode("causal-metadata");
    private static readonly JsonEncodedText Version = JsonEncodedText.Encode("version");
    private static readonly JsonEncodedText ShardId = JsonEncodedText.Encode("shard-id");
    private static readonly JsonEncodedText Replicas = JsonEncodedText.Encode("replicas");

    public static Task WriteAsync(HttpContext context, Outcome outcome) => outcome switch
    {
        Outcome.Stored stored => JsonAnswer.WriteAsync(context, stored.Replaced || stored.Deleted ? StatusCodes.Status200OK : StatusCodes.Status201Created, stored, WriteStored),
        Outcome.Found found => JsonAnswer.WriteAsync(context, StatusCodes.Status200OK, found, WriteFound),
        Outcome.Absent absent => JsonAnswer.WriteAsync(context, StatusCodes.Status404NotFound, (absent, context.Request.Method), WriteAbsent),
        Outcome.DependenciesMissing missing => WriteMissingAsync(context, missing),
        Outcome.ShardUnavailable unavailable => WriteUnavailableAsync(context, unavailable),
        Outcome.WriteConcernNotMet notMet => WriteNotMetAsync(context, notMet),
        Outcome.ClockSkew skew => WriteClockSkewAsync(context, skew),
        Outcome.StampOutOfRange => RestErrors.WriteAsync(context, StatusCodes.Status400BadRequest, "Causal metadata is from the future"),
        Outcome.TokenRejected rejected => RestErrors.WriteAsync(context, StatusCodes.Status400BadRequest, ErrorOf(rejected.Reason)),
        Outcome.Overloaded => RestErrors.WriteOverloadedAsync(context),
        Outcome.InsufficientStorage => RestErrors.WriteAsync(context, StatusCodes.Status507InsufficientStorage, "Disk is full", 5),
        Outcome.NotOwner => RestErrors.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "Topology is changing", 1),
        _ => throw new UnreachableException(),
    };

    public static string ErrorOf(TokenRejection rejection) => rejection switch
    {
        TokenRejection.ForeignCluster => "Causal metadata belongs to another cluster",
        TokenRejection.Tampered => "Causal metadata has been tampered with",
        _ => "Causal metadata is malformed",
    };

    private static void WriteStored(Utf8JsonWriter json, Outcome.Stored stored)
    {
        if (stored.Deleted)
        {
            json.WriteString(Message, "Deleted successfully"u8);
            json.WriteBoolean(DoesExist, true);
        }
        else
        {
            json.WriteString(Message, stored.Replaced ? "Updated successfully"u8 : "Added successfully"u8);
            json.WriteBoolean(Replaced, stored.Replaced);
        }

        JsonAnswer.Token(json, CausalMetadata, stored.Token.Span);
        JsonAnswer.Token(json, Version, stored.Token.Span);
        WriteShard(json, stored.Shard);
        json.WriteNumber(Replicas, stored.Replicas);
    }

    private static void WriteFound(Utf8JsonWriter json, Outcome.Found found)
    {
        json.WriteString(Message, "Retrieved successfully"u8);
        json.WriteBoolean(DoesExist, true);
        json.WritePropertyName(Value);
        json.WriteRawValue(found.Value.Span, skipInputValidation: true);
        JsonAnswer.Token(json, CausalMetadata, found.Token.Span);
        JsonAnswer.Token(json, Version, found.Version.Span);
        WriteShard(json, found.Shard);
    }

    private static void WriteAbsent(Utf8JsonWriter json, (Outcome.Absent Absent, string Method) state)
    {
        json.WriteBoolean(DoesExist, false);
        json.WriteString("error"u8, "Key does not exist"u8);
        json.WriteString(Message, $"Error in {state.Method}");
        JsonAnswer.Token(json, CausalMetadata, state.Absent.Token.Span);
        WriteShard(json, state.Absent.Shard);
    }

    private static void WriteShard(Utf8JsonWriter json, Kv.Common.Identity.ShardId shard)
    {
        Span<byte> digits = stackalloc byte[11];
        shard.Value.TryFormat(digits, out var length, provider: System.Globalization.CultureInfo.InvariantCulture);
        json.WriteString(ShardId, digits[..length]);
    }

    // What is written lazily lives in methods of its own, so that only the outcomes that need it pay for the closure.
    private static Task WriteMissingAsync(HttpContext context, Outcome.DependenciesMissing missing) =>
        RestErrors.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "Causal dependencies not satisfied", 1, json =>
        {
            json.WriteString(ShardId, missing.Shard.ToString());
            json.WriteStartArray("missing");
            foreach (var dot in missing.Missing) json.WriteStringValue(dot.ToString());
            json.WriteEndArray();
        });

    private static Task WriteUnavailableAsync(HttpContext context, Outcome.ShardUnavailable unavailable) =>
        RestErrors.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "Shard is unavailable", 1, json =>
        {
            json.WriteString(ShardId, unavailable.Shard.ToString());
            json.WriteBoolean("may-have-been-written", unavailable.MayHaveBeenWritten);
        });

    private static Task WriteNotMetAsync(HttpContext context, Outcome.WriteConcernNotMet notMet) =>
        RestErrors.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "Write concern not satisfied", 1, json =>
        {
            json.WriteString(ShardId, notMet.Shard.ToString());
            json.WriteNumber("required", notMet.Required);
            json.WriteNumber(Replicas, notMet.Replicas);
            // With a replica the write stays and reaches the others later; without one nothing was written.
            json.WriteBoolean("written", notMet.Replicas > 0);
        });

    private static Task WriteClockSkewAsync(HttpContext context, Outcome.ClockSkew skew) =>
        RestErrors.WriteAsync(
            context,
            StatusCodes.Status503ServiceUnavailable,
            "Clock is behind the causal metadata",
            (int)Math.Clamp(skew.AheadMs / 1000, 0, 59) + 1,
            json => json.WriteNumber("ahead-ms", skew.AheadMs));
}
