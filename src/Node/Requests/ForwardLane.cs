using System.Threading.Channels;
using Kv.Common.Identity;
using Kv.Node.Peers;
using Microsoft.Extensions.Logging;

namespace Kv.Node.Requests;

/// <summary>
/// Carries requests to one peer over one long-lived stream. Everything that queued up while the last message was sent goes into the next; replies are
/// paired by id. When the stream breaks, every request that waits is answered at once, never silently sent again.
/// </summary>
internal sealed partial class ForwardLane(
    NodeAddress peer, IPeerTransport transport, TimeProvider time, Random random, RequestOptions options, ILogger logger)
{
    private static readonly TimeSpan ReconnectMin = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan ReconnectMax = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan ExpiryInterval = TimeSpan.FromMilliseconds(100);

    private readonly Channel<Pending> _queue =
        Channel.CreateBounded<Pending>(new BoundedChannelOptions(options.MaxForwardedPerPeer) { SingleReader = true });

    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, Pending> _unanswered = [];
    private ulong _lastId;

    /// <summary>Sends a request and waits for its reply, at most until <paramref name="deadline"/>.</summary>
    public async ValueTask<LaneReply> SendAsync(ForwardRequest request, Deadline deadline)
    {
        Pending pending;
        lock (_gate)
        {
            if (_unanswered.Count >= options.MaxForwardedPerPeer) return LaneReply.Full.Instance;
            pending = new(request with { Id = ++_lastId }, deadline);
            _unanswered.Add(pending.Request.Id, pending);
        }

        if (_queue.Writer.TryWrite(pending)) return await pending.Completion.Task;
        Complete(pending, LaneReply.Full.Instance);
        return LaneReply.Full.Instance;
    }

    /// <summary>Connects when there is something to send, and again when the stream broke, until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var backoff = new Backoff(ReconnectMin, ReconnectMax, time, random);
        var expiry = ExpireAsync(cancellation);
        try
        {
            while (await _queue.Reader.WaitToReadAsync(cancellation))
            {
                try
                {
                    await ExchangeOverOneStreamAsync(backoff, cancellation);
                }
                catch (PeerUnavailableException broken)
                {
                    LogBroken(logger, peer, broken.Message);
                }

                AnswerAllUnanswered();
                await backoff.PauseAsync(cancellation);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
        finally
        {
            _queue.Writer.TryComplete();
            AnswerAllUnanswered();
        }

        await expiry;
    }

    private async Task ExchangeOverOneStreamAsync(Backoff backoff, CancellationToken cancellation)
    {
        await using var stream = await transport.OpenForwardingAsync(peer, cancellation);
        backoff.Reset();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var sending = SendAsync(stream, either.Token);
        var receiving = ReceiveAsync(stream, either.Token);
        var first = await Task.WhenAny(sending, receiving);
        await either.CancelAsync();
        try
        {
            await Task.WhenAll(sending, receiving);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
        }

        await first;
    }

    private async Task SendAsync(IPeerStream<ForwardBatch, ForwardReplyBatch> stream, CancellationToken cancellation)
    {
        while (await _queue.Reader.WaitToReadAsync(cancellation))
        {
            var requests = new List<ForwardRequest>();
            while (requests.Count < ForwardBatch.MaxRequests && _queue.Reader.TryRead(out var pending))
            {
                if (pending.Completion.Task.IsCompleted) continue;
                pending.IsSent = true;
                requests.Add(pending.Request);
            }

            if (requests.Count > 0) await stream.SendAsync(new(requests), cancellation);
        }
    }

    private async Task ReceiveAsync(IPeerStream<ForwardBatch, ForwardReplyBatch> stream, CancellationToken cancellation)
    {
        while (await stream.ReceiveAsync(cancellation) is { } batch)
        {
            foreach (var reply in batch.Replies)
            {
                Pending? pending;
                lock (_gate) _unanswered.TryGetValue(reply.Id, out pending);
                if (pending is not null) Complete(pending, new LaneReply.Answered(reply.Outcome));
            }
        }
    }

    private async Task ExpireAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(ExpiryInterval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellation))
            {
                List<Pending> overdue;
                lock (_gate) overdue = [.. _unanswered.Values.Where(pending => pending.Deadline.Remaining(time) == TimeSpan.Zero)];
                foreach (var pending in overdue) Complete(pending, pending.IsSent ? LaneReply.Lost.Instance : LaneReply.NotSent.Instance);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
    }

    private void AnswerAllUnanswered()
    {
        List<Pending> unanswered;
        lock (_gate) unanswered = [.. _unanswered.Values];
        while (_queue.Reader.TryRead(out _))
        {
        }

        foreach (var pending in unanswered) Complete(pending, pending.IsSent ? LaneReply.Lost.Instance : LaneReply.NotSent.Instance);
    }

    private void Complete(Pending pending, LaneReply reply)
    {
        lock (_gate) _unanswered.Remove(pending.Request.Id);
        pending.Completion.TrySetResult(reply);
    }

    [LoggerMessage(2100, LogLevel.Debug, "Forwarding to {Peer} ended: {Reason}")]
    private static partial void LogBroken(ILogger logger, NodeAddress peer, string reason);

    private sealed class Pending(ForwardRequest request, Deadline deadline)
    {
        public ForwardRequest Request => request;

        public Deadline Deadline => deadline;

        public TaskCompletionSource<LaneReply> Completion { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Set before the message that carries it is handed to the network, so "not sent" is never said of one that might have left.</summary>
        public volatile bool IsSent;
    }
}
