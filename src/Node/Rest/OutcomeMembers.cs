using System.Diagnostics;
using System.Text.Json;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Node.Requests;

namespace Kv.Node.Rest;

/// <summary>The one translation of outcomes of requests for a key: into a status, the members of an answer, and how long to wait before asking again.</summary>
internal static class OutcomeMembers
{
    private static readonly JsonEncodedText Message = JsonEncodedText.Encode("message");
    private static readonly JsonEncodedText Replaced = JsonEncodedText.Encode("replaced");
    private static readonly JsonEncodedText DoesExist = JsonEncodedText.Encode("doesExist");
    private static readonly JsonEncodedText Value = JsonEncodedText.Encode("value");
    private static readonly JsonEncodedText CausalMetadata = JsonEncodedText.Encode("causal-metadata");
    private static readonly JsonEncodedText Version = JsonEncodedText.Encode("version");
    private static readonly JsonEncodedText ShardId = JsonEncodedText.Encode("shard-id");
    private static readonly JsonEncodedText Replicas = JsonEncodedText.Encode("replicas");

    /// <summary>What is wrong; null when nothing is.</summary>
    public static Problem? ProblemOf(Outcome outcome) => outcome switch
    {
        Outcome.Stored or Outcome.Found => null,
        Outcome.Absent => Problems.KeyDoesNotExist,
        Outcome.DependenciesMissing => Problems.DependenciesMissing,
        Outcome.ShardUnavailable => Problems.ShardUnavailable,
        Outcome.WriteConcernNotMet => Problems.ConcernNotMet,
        Outcome.ClockSkew => Problems.ClockBehind,
        Outcome.StampOutOfRange => Problems.TokenFromFuture,
        Outcome.TokenRejected rejected => ProblemOf(rejected.Reason),
        Outcome.Overloaded => Problems.Overloaded,
        Outcome.InsufficientStorage => Problems.DiskFull,
        Outcome.NotOwner => Problems.TopologyChanging,
        // Counts and listings have answers of their own.
        _ => throw new UnreachableException(),
    };

    public static Problem ProblemOf(TokenRejection rejection) => rejection switch
    {
        TokenRejection.ForeignCluster => Problems.TokenForeign,
        TokenRejection.Tampered => Problems.TokenTampered,
        _ => Problems.TokenMalformed,
    };

    public static int StatusOf(Outcome outcome) => outcome switch
    {
        Outcome.Stored { Replaced: false, Deleted: false } => StatusCodes.Status201Created,
        Outcome.Stored or Outcome.Found => StatusCodes.Status200OK,
        _ => ProblemOf(outcome)!.Status,
    };

    /// <summary>Seconds; null where waiting does not help.</summary>
    public static int? RetryAfterOf(Outcome outcome) => outcome switch
    {
        Outcome.Stored or Outcome.Found or Outcome.Absent or Outcome.StampOutOfRange or Outcome.TokenRejected => null,
        Outcome.ClockSkew skew => (int)Math.Clamp(skew.AheadMs / 1000, 0, 59) + 1,
        Outcome.InsufficientStorage => 5,
        _ => 1,
    };

    /// <param name="json">Inside of the object.</param>
    /// <param name="outcome">Of a request for a key.</param>
    /// <param name="method">Of that request.</param>
    public static void Write(Utf8JsonWriter json, Outcome outcome, string method)
    {
        if (outcome is Outcome.Absent) json.WriteBoolean(DoesExist, false);
        if (ProblemOf(outcome) is { } problem) RestErrors.Write(json, problem, problem.Title, $"Error in {method}");
        switch (outcome)
        {
            case Outcome.Stored stored:
                WriteStored(json, stored);
                break;
            case Outcome.Found found:
                WriteFound(json, found);
                break;
            case Outcome.Absent absent:
                JsonAnswer.Token(json, CausalMetadata, absent.Token.Span);
                WriteShard(json, absent.Shard);
                break;
            case Outcome.DependenciesMissing missing:
                WriteShard(json, missing.Shard);
                json.WriteStartArray("missing"u8);
                foreach (var dot in missing.Missing) json.WriteStringValue(dot.ToString());
                json.WriteEndArray();
                break;
            case Outcome.ShardUnavailable unavailable:
                WriteShard(json, unavailable.Shard);
                json.WriteBoolean("may-have-been-written"u8, unavailable.MayHaveBeenWritten);
                break;
            case Outcome.WriteConcernNotMet notMet:
                WriteShard(json, notMet.Shard);
                json.WriteNumber("required"u8, notMet.Required);
                json.WriteNumber(Replicas, notMet.Replicas);
                // With a replica the write stays and reaches the others later; without one nothing was written.
                json.WriteBoolean("written"u8, notMet.Replicas > 0);
                break;
            case Outcome.ClockSkew skew:
                json.WriteNumber("ahead-ms"u8, skew.AheadMs);
                break;
        }
    }

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

    private static void WriteShard(Utf8JsonWriter json, ShardId shard)
    {
        Span<byte> digits = stackalloc byte[11];
        shard.Value.TryFormat(digits, out var length, provider: System.Globalization.CultureInfo.InvariantCulture);
        json.WriteString(ShardId, digits[..length]);
    }
}
