using System.Diagnostics;
using System.Text.Json;
using Kv.Common.Causality;
using Kv.Node.Requests;
using Kv.Node.Telemetry;

namespace Kv.Node.Rest;

/// <summary>POST of <c>/key-value-store-batch</c>: several operations in one request, one after the other.</summary>
internal sealed class BatchEndpoints(
    BatchPath batches, RequestBudget budget, SlowClients slow, CausalTokenCodec tokens, TimeProvider time, RequestOptions options, BatchOptions batch, KvMetrics metrics)
{
    private static readonly JsonEncodedText CausalMetadataName = JsonEncodedText.Encode("causal-metadata");

    public async Task PostAsync(HttpContext context)
    {
        var since = time.GetTimestamp();
        await AnswerAsync(context);
        metrics.Answered("BATCH", context.Response.StatusCode, time.GetElapsedTime(since));
    }

    private async Task AnswerAsync(HttpContext context)
    {
        // 1. Check, all of it.
        if (!budget.HasRoom(isRead: false))
        {
            await RestErrors.WriteOverloadedAsync(context);
            return;
        }

        if (await slow.ReadBodyAsync(context, options.MaxBodyBytes) is not { } bytes) return;
        if (!RequestBody.TryRead(bytes, out var body, out var error)
            || !CausalMetadata.TryRead(context.Request, body, tokens, out var token, out error)
            || !WriteConcernQuery.TryRead(context.Request, out var concern, out error))
        {
            await RestErrors.WriteAsync(context, StatusCodes.Status400BadRequest, error);
            return;
        }

        if (BatchBody.Read(bytes, batch.MaxOperations, options.MaxKeyCharacters, out var operations) is var (problem, operation))
        {
            await RestErrors.WriteAsync(context, problem, more: operation is { } at ? json => json.WriteNumber("operation"u8, at) : null);
            return;
        }

        // 2. Call, if there is a place: a batch is one request, because its operations go one by one.
        using var place = budget.TryBatch(bytes.Length);
        if (!place.IsHeld)
        {
            await RestErrors.WriteOverloadedAsync(context);
            return;
        }

        var outcome = await batches.RunAsync(operations, token, concern);

        // 3. Translate.
        await slow.AnswerAsync(context, JsonAnswer.WriteAsync(context, StatusCodes.Status200OK, (operations, outcome), static (json, state) => Write(json, state.operations, state.outcome)), place);
    }

    private static void Write(Utf8JsonWriter json, List<BatchOperation> operations, BatchOutcome outcome)
    {
        json.WriteString("message"u8, "Batch processed"u8);
        json.WriteStartArray("results"u8);
        for (var i = 0; i < operations.Count; i++)
        {
            json.WriteStartObject();
            if (i < outcome.Outcomes.Count) WriteDone(json, outcome.Outcomes[i], NameOf(operations[i].Method));
            else WriteNotDone(json, i == outcome.Outcomes.Count ? outcome.End : BatchEnd.Failed, NameOf(operations[i].Method));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        JsonAnswer.Token(json, CausalMetadataName, outcome.Token.Span);
    }

    private static void WriteDone(Utf8JsonWriter json, Outcome outcome, string method)
    {
        // An error has its status among its members.
        if (OutcomeMembers.ProblemOf(outcome) is null) json.WriteNumber("status"u8, OutcomeMembers.StatusOf(outcome));
        OutcomeMembers.Write(json, outcome, method);
    }

    private static void WriteNotDone(Utf8JsonWriter json, BatchEnd end, string method)
    {
        var problem = end switch
        {
            BatchEnd.OutOfTime => Problems.BatchTimeout,
            BatchEnd.AnswerFull => Problems.AnswerTooLarge,
            _ => Problems.NotAttempted,
        };
        RestErrors.Write(json, problem, problem.Title, $"Error in {method}");
    }

    private static string NameOf(BatchMethod method) => method switch
    {
        BatchMethod.Get => "GET",
        BatchMethod.Put => "PUT",
        BatchMethod.Delete => "DELETE",
        _ => throw new UnreachableException(),
    };
}
