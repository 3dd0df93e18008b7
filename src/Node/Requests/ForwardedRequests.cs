using System.Threading.Channels;
using Kv.Common.Causality;
using Kv.Node.Peers;

namespace Kv.Node.Requests;

/// <summary>The far side of forwarding: enters the same paths as a client's request would, and may not forward again.</summary>
internal sealed class ForwardedRequests(
    WritePath writes, ReadPath reads, KeyCounts counts, RequestBudget budget, CausalTokenCodec tokens, TimeProvider time, RequestOptions options)
{
    /// <summary>Serves one peer's requests until its stream ends. Requests run side by side; replies leave in the order they are ready.</summary>
    public async Task ServeAsync(IPeerStream<ForwardReplyBatch, ForwardBatch> stream, CancellationToken cancellation)
    {
        var replies = Channel.CreateUnbounded<ForwardReply>(new UnboundedChannelOptions { SingleReader = true });
        await Duplex.RunAsync(stop => ReceiveAsync(stream, replies.Writer, stop), stop => SendAsync(stream, replies.Reader, stop), cancellation);
    }

    /// <summary>Answers one request.</summary>
    public async ValueTask<ForwardReply> AnswerAsync(ForwardRequest request)
    {
        using var place = budget.TryServe(request);
        if (!place.IsHeld) return new(request.Id, new Outcome.Overloaded());
        var token = PresentedToken.None;
        if (!request.SealedToken.IsEmpty)
        {
            var rejection = tokens.TryOpen(request.SealedToken.Span, out var opened);
            if (rejection != TokenRejection.None) return new(request.Id, new Outcome.TokenRejected(rejection));
            token = new(opened, request.SealedToken);
        }

        return new(request.Id, await ExecuteAsync(request, token));
    }

    private ValueTask<Outcome> ExecuteAsync(ForwardRequest request, PresentedToken token)
    {
        var origin = RequestOrigin.Peer(request.Timeout, request.Epoch, options, time);
        return request.Operation switch
        {
            ForwardedOperation.Get => reads.ReadAsync(new(request.Key, token), origin),
            ForwardedOperation.Put => writes.WriteAsync(new PutCommand(request.Key, request.Value, token, request.Concern), origin),
            ForwardedOperation.Delete => writes.WriteAsync(new DeleteCommand(request.Key, token, request.Concern), origin),
            ForwardedOperation.CountKeys => counts.CountHereAsync(new(request.Shard, token), origin),
            _ => throw new ArgumentOutOfRangeException(nameof(request), request.Operation, "Unknown operation."),
        };
    }

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
        catch (Exception bug)
        {
            // Ends the stream with it: the callers hear that they were lost, and the door's log says why.
            replies.TryComplete(bug);
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
            var bytes = 0;
            while (ready.Count < ForwardBatch.MaxRequests && bytes < ForwardBatch.MaxBytes && replies.TryRead(out var reply))
            {
                ready.Add(reply);
                bytes += reply.Size;
            }

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
