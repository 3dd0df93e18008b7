using System.Buffers;

namespace Kv.Node.Rest;

/// <summary>
/// An answer of server-sent events (WHATWG HTML, 9.2), which has no end. Whoever reads slowly is waited for, and has for each piece as long as for an answer
/// (<see cref="RestOptions.AnswerTimeout"/>); whoever does not read is given up.
/// </summary>
internal sealed class ServerSentEvents(HttpContext context, RestOptions options, TimeProvider time)
{
    private readonly HttpResponse _response = context.Response;

    /// <summary>True when the client was given up because it did not read.</summary>
    public bool IsLate { get; private set; }

    public void Begin()
    {
        _response.StatusCode = StatusCodes.Status200OK;
        _response.ContentType = "text/event-stream";
        _response.Headers.CacheControl = "no-store";
        // A proxy that collects answers before it passes them on would keep them.
        _response.Headers["X-Accel-Buffering"] = "no";
    }

    public void Write(ReadOnlySpan<byte> bytes) => _response.BodyWriter.Write(bytes);

    /// <summary>
    /// Completes when the connection holds what was written, and is cancelled when the connection ends. Once <paramref name="end"/> says that the answer is to end, whoever has not read by then has
    /// <see cref="RestOptions.Patience"/> left.
    /// </summary>
    public async ValueTask FlushAsync(CancellationToken end)
    {
        // Not cancelled by that: it would break the connection off, and nobody could be told why the answer ends.
        var flushing = _response.BodyWriter.FlushAsync(context.RequestAborted).AsTask();
        if (flushing.IsCompleted)
        {
            await flushing;
            return;
        }

        // What the server demands of a client is bytes a second of all that was written, which for a long piece is hours.
        using var late = new CancellationTokenSource(options.AnswerTimeout, time);
        using var hurrying = end.Register(() => late.CancelAfter(options.Patience));
        using var ending = late.Token.Register(() =>
        {
            IsLate = true;
            context.Abort();
        });
        await flushing;
    }
}
