using Kv.Node.Requests;
using Kv.Node.Signals;
using Kv.Node.Telemetry;

namespace Kv.Node.Rest;

/// <summary>
/// Waits for clients: for the rest of a body to arrive, and for an answer to be read. Both hold memory, up to the largest body each, so there are only so many of each at a time, and each has
/// its time. Whoever sends the body with its headers and reads its answer never waits here, however many others do.
/// </summary>
internal sealed class SlowClients(RestOptions options, TimeProvider time, KvMetrics metrics)
{
    private readonly ReclaimableSlots _bodies = new(options.MaxSlowBodies, options.Patience, time);
    private readonly ReclaimableSlots _answers = new(options.MaxSlowAnswers, options.Patience, time);

    /// <summary>The body, or null when the request was answered with what is wrong with it.</summary>
    public ValueTask<ReadOnlyMemory<byte>?> ReadBodyAsync(HttpContext context, int maxBytes)
    {
        var reading = RestRequest.ReadBodyAsync(context.Request, maxBytes);
        return reading is { IsCompletedSuccessfully: true, Result: not null } ? reading : ReadSlowlyAsync(context, reading.AsTask());
    }

    /// <summary>
    /// Completes when the connection holds what is left of the answer, or was ended. The request's place is given back as soon as its answer is bounded here: while there are
    /// too many answers, new requests are refused rather than their answers broken off.
    /// </summary>
    public Task AnswerAsync(HttpContext context, Task writing, Place place) => writing.IsCompleted ? writing : AnswerSlowlyAsync(context, writing, place);

    private async ValueTask<ReadOnlyMemory<byte>?> ReadSlowlyAsync(HttpContext context, Task<ReadOnlyMemory<byte>?> reading)
    {
        var isRefused = false;
        using var late = new CancellationTokenSource(options.BodyTimeout, time);
        // Whoever reads is told to wait no longer.
        using var ending = late.Token.Register(context.Request.BodyReader.CancelPendingRead);
        using var slot = reading.IsCompleted ? null : _bodies.TryEnter(() => End(late, "bodies"));
        if (slot is null && !reading.IsCompleted)
        {
            isRefused = true;
            End(late, "bodies");
        }

        try
        {
            if (await reading is { } body) return body;
            context.Response.Headers.Connection = "close";
            await RestErrors.WriteAsync(context, Problems.BodyTooLarge);
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested && !context.RequestAborted.IsCancellationRequested)
        {
            // What is still to come is nobody's any more.
            context.Response.Headers.Connection = "close";
            await (isRefused
                ? RestErrors.WriteOverloadedAsync(context)
                : RestErrors.WriteAsync(context, Problems.RequestTimeout));
        }

        return null;
    }

    private async Task AnswerSlowlyAsync(HttpContext context, Task writing, Place place)
    {
        using var late = new CancellationTokenSource(options.AnswerTimeout, time);
        using var ending = late.Token.Register(context.Abort);
        var slot = Enter();
        try
        {
            if (slot is null)
            {
                // Until somebody else has tried the patience.
                await Task.WhenAny(writing, Task.Delay(options.Patience, time, late.Token));
                slot = writing.IsCompleted ? null : Enter();
                if (slot is null && !writing.IsCompleted) End(late, "answers");
            }

            place.Dispose();
            await writing;
        }
        finally
        {
            slot?.Dispose();
        }

        ReclaimableSlots.Slot? Enter() => _answers.TryEnter(() => End(late, "answers"));
    }

    private void End(CancellationTokenSource late, string what)
    {
        try
        {
            late.Cancel();
            metrics.Shed(what);
        }
        catch (ObjectDisposedException)
        {
            // It has come to its end meanwhile, and its connection may be serving something else.
        }
    }
}
