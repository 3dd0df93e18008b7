using System.Threading.Channels;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Node.Peers;
using Kv.Node.Telemetry;

namespace Kv.Node.Requests;

/// <summary>The far side of forwarding: enters the same paths as a client's request would, and may not forward again.</summary>
internal sealed class ForwardedRequests(
    NodeIdentity self, WritePath writes, ReadPath reads, ListPath lists, KeyCounts counts, RequestIntake intake, RequestBudget budget, CausalTokenCodec tokens, TimeProvider time, RequestOptions options)
{
    private long _unanswered;

    /// <summary>Requests that came over peers' streams and whose replies have not been sent.</summary>
    public long Unanswered => Volatile.Read(ref _unanswered);

    /// <summary>Serves one peer's requests until its stream ends. Requests run side by side; replies leave in the order they are ready.</summary>
    public async Task ServeAsync(IPeerStream<ForwardReplyBatch, ForwardBatch> stream, CancellationToken cancellation)
    {
        var replies = Channel.CreateUnbounded<ForwardReply>(new UnboundedChannelOptions { SingleReader = true });
        var (came, left) = (0L, 0L);
        try
        {
            await Duplex.RunAsync(
                stop => ReceiveAsync(stream, replies.Writer, count => Count(ref came, count), stop),
                stop => SendAsync(stream, replies.Reader, count => Count(ref left, -count), stop),
                cancellation);
        }
        finally
        {
            // Of those that are left nobody hears any more.
            Interlocked.Add(ref _unanswered, -(came + left));
        }
    }

    /// <summary>Answers one request.</summary>
    public ValueTask<ForwardReply> AnswerAsync(ForwardRequest request) => request.Trace != default && KvTracing.IsOn ? AnswerTracedAsync(request) : AnswerUntracedAsync(request);

    private async ValueTask<ForwardReply> AnswerTracedAsync(ForwardRequest request)
    {
        using var span = KvTracing.Serve(request.Operation.ToString(), request.Trace);
        span?.SetTag(KvTracing.NodeTag, self.Address.ToString());
        var reply = await AnswerUntracedAsync(request);
        span?.SetTag("kv.outcome", reply.Outcome.GetType().Name);
        return reply;
    }

    private async ValueTask<ForwardReply> AnswerUntracedAsync(ForwardRequest request)
    {
        // Under no newer topology, so whoever asks looks for another replica.
        if (intake.IsClosed) return new(request.Id, new Outcome.NotOwner(request.Epoch));
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
            ForwardedOperation.List => lists.ListHereAsync(new(request.Shard, request.Listing!, token), origin),
            _ => throw new ArgumentOutOfRangeException(nameof(request), request.Operation, "Unknown operation."),
        };
    }

    private void Count(ref long ofOneStream, int count)
    {
        ofOneStream += count;
        Interlocked.Add(ref _unanswered, count);
    }

    private async Task ReceiveAsync(IPeerStream<ForwardReplyBatch, ForwardBatch> stream, ChannelWriter<ForwardReply> replies, Action<int> came, CancellationToken cancellation)
    {
        var running = new InFlight(options.MaxForwardedPerPeer);
        while (await stream.ReceiveAsync(cancellation) is { } batch)
        {
            came(batch.Requests.Count);
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

    private static async Task SendAsync(IPeerStream<ForwardReplyBatch, ForwardBatch> stream, ChannelReader<ForwardReply> replies, Action<int> left, CancellationToken cancellation)
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
            left(ready.Count);
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
