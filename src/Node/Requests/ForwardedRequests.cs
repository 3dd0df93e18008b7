using System.Threading.Channels;
using Kv.Common.Causality;
using Kv.Node.Peers;

namespace Kv.Node.Requests;

/// <summary>The far side of forwarding: enters the same paths as a client's request would, and may not forward again.</summary>
internal sealed class ForwardedRequests(WritePath writes, ReadPath reads, KeyCounts counts, CausalTokenCodec tokens, RequestOptions options)
{
    /// <summary>Serves one peer's requests until its stream ends. Requests run side by side; replies leave in the order they are ready.</summary>
    public async Task ServeAsync(IPeerStream<ForwardReplyBatch, ForwardBatch> stream, CancellationToken cancellation)
    {
        var replies = Channel.CreateUnbounded<ForwardReply>(new UnboundedChannelOptions { SingleReader = true });
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var receiving = ReceiveAsync(stream, replies.Writer, either.Token);
        var sending = SendAsync(stream, replies.Reader, either.Token);
        var first = await Task.WhenAny(receiving, sending);
        either.Cancel();
        try
        {
            await Task.WhenAll(receiving, sending);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
        }

        await first;
    }

    /// <summary>Answers one request.</summary>
    public async ValueTask<ForwardReply> AnswerAsync(ForwardRequest request)
    {
        var token = PresentedToken.None;
        if (!request.SealedToken.IsEmpty)
        {
            var rejection = tokens.TryOpen(request.SealedToken.Span, out var opened);
            if (rejection != TokenRejection.None) return new(request.Id, new Outcome.TokenRejected(rejection));
            token = new(opened, request.SealedToken);
        }

        return new(request.Id, await ExecuteAsync(request, token));
    }

    private ValueTask<Outcome> ExecuteAsync(ForwardRequest request, PresentedToken token) => request.Operation switch
    {
        ForwardedOperation.Get => reads.ReadAsync(new(request.Key, token), mayForward: false),
        ForwardedOperation.Put => writes.WriteAsync(new PutCommand(request.Key, request.Value, token, request.Concern), mayForward: false),
        ForwardedOperation.Delete => writes.WriteAsync(new DeleteCommand(request.Key, token, request.Concern), mayForward: false),
        ForwardedOperation.CountKeys => counts.CountHereAsync(new(request.Shard, token)),
        _ => throw new ArgumentOutOfRangeException(nameof(request), request.Operation, "Unknown operation."),
    };

    private async Task ReceiveAsync(IPeerStream<ForwardReplyBatch, ForwardBatch> stream, ChannelWriter<ForwardReply> replies, CancellationToken cancellation)
    {
        var running = new InFlight(options.MaxForwardedPerPeer);
        while (await stream.ReceiveAsync(cancellation) is { } batch)
        {
            foreach (var request in batch.Requests)
            {
                if (running.TryEnter()) _ = AnswerOneAsync(request, replies, running);
                else replies.TryWrite(new(request.Id, new Outcome.Overloaded()));
            }
        }
    }

    private async Task AnswerOneAsync(ForwardRequest request, ChannelWriter<ForwardReply> replies, InFlight running)
    {
        try
        {
            replies.TryWrite(await AnswerAsync(request));
        }
        catch (Exception stopping) when (stopping is OperationCanceledException or ChannelClosedException)
        {
            // The replica stopped under the request; the stream is about to end and tells the caller so.
        }
        finally
        {
            running.Leave();
        }
    }

    private static async Task SendAsync(IPeerStream<ForwardReplyBatch, ForwardBatch> stream, ChannelReader<ForwardReply> replies, CancellationToken cancellation)
    {
        while (await replies.WaitToReadAsync(cancellation))
        {
            var ready = new List<ForwardReply>();
            while (ready.Count < ForwardBatch.MaxRequests && replies.TryRead(out var reply)) ready.Add(reply);
            await stream.SendAsync(new(ready), cancellation);
        }
    }

    private sealed class InFlight(int bound)
    {
        private int _count;

        public bool TryEnter()
        {
            if (Interlocked.Increment(ref _count) <= bound) return true;
            Interlocked.Decrement(ref _count);
            return false;
        }

        public void Leave() => Interlocked.Decrement(ref _count);
    }
}
