using System.Threading.Channels;
using Kv.Common.Identity;
using Kv.Node.Peers;

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

    private readonly Channel<Pending> _queue =
        Channel.CreateBounded<Pending>(new BoundedChannelOptions(options.MaxForwardedPerPeer) { SingleReader = true });

    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, Pending> _unanswered = [];
    private ulong _lastId;

    // Since when the peer has answered nothing although something waits for it; without meaning while nothing does.
    private long _silentSince;

    /// <summary>
    /// True while something waits for the peer and it has answered nothing for <see cref="RequestOptions.LateAfter"/>: its link is too narrow or its disk too slow for what is asked of it, or it is gone and
    /// nobody has found out yet.
    /// </summary>
    public bool IsLate
    {
        get
        {
            lock (_gate) return _unanswered.Count > 0 && time.GetElapsedTime(_silentSince) > options.LateAfter;
        }
    }

    /// <summary>Sends a request and waits for its reply, at most until <paramref name="deadline"/>.</summary>
    public async ValueTask<LaneReply> SendAsync(ForwardRequest request, Deadline deadline)
    {
        Pending pending;
        lock (_gate)
        {
            if (_unanswered.Count >= options.MaxForwardedPerPeer) return LaneReply.Full.Instance;
            if (_unanswered.Count == 0) _silentSince = time.GetTimestamp();
            pending = new(request with { Id = ++_lastId }, deadline);
            _unanswered.Add(pending.Request.Id, pending);
        }

        if (_queue.Writer.TryWrite(pending)) return await pending.Completion.Task;
        lock (_gate) _unanswered.Remove(pending.Request.Id);
        return LaneReply.Full.Instance;
    }

    /// <summary>Connects when there is something to send, and again when the stream broke, until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var backoff = new Backoff(ReconnectMin, ReconnectMax, time, random);
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

                GiveUp(_ => true);
                await backoff.PauseAsync(cancellation);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
        finally
        {
            _queue.Writer.TryComplete();
            GiveUp(_ => true);
        }
    }

    /// <summary>Answers the requests whose deadline has passed.</summary>
    public void Expire() => GiveUp(pending => pending.Deadline.Remaining(time) == TimeSpan.Zero);

    private async Task ExchangeOverOneStreamAsync(Backoff backoff, CancellationToken cancellation)
    {
        await using var stream = await transport.OpenForwardingAsync(peer, cancellation);
        backoff.Reset();
        await Duplex.RunAsync(stop => SendAsync(stream, stop), stop => ReceiveAsync(stream, stop), cancellation);
    }

    private async Task SendAsync(IPeerStream<ForwardBatch, ForwardReplyBatch> stream, CancellationToken cancellation)
    {
        while (await _queue.Reader.WaitToReadAsync(cancellation))
        {
            var requests = new List<ForwardRequest>();
            var bytes = 0;
            while (requests.Count < ForwardBatch.MaxRequests && bytes < ForwardBatch.MaxBytes && _queue.Reader.TryRead(out var pending))
            {
                if (!TryMarkSent(pending)) continue;
                requests.Add(pending.Request);
                bytes += pending.Request.Size;
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
                lock (_gate)
                {
                    _unanswered.Remove(reply.Id, out pending);
                    _silentSince = time.GetTimestamp();
                }

                pending?.Completion.TrySetResult(new LaneReply.Answered(reply.Outcome));
            }
        }
    }

    // Marking and giving up exclude each other, so "not sent" is never said of a request that then leaves.
    private bool TryMarkSent(Pending pending)
    {
        lock (_gate)
        {
            pending.IsSent = _unanswered.ContainsKey(pending.Request.Id);
            return pending.IsSent;
        }
    }

    private void GiveUp(Func<Pending, bool> condition)
    {
        List<Pending> given;
        lock (_gate)
        {
            given = [.. _unanswered.Values.Where(condition)];
            foreach (var pending in given) _unanswered.Remove(pending.Request.Id);
        }

        foreach (var pending in given) pending.Completion.TrySetResult(pending.IsSent ? LaneReply.Lost.Instance : LaneReply.NotSent.Instance);
    }

    [LoggerMessage(2100, LogLevel.Debug, "Forwarding to {Peer} ended: {Reason}")]
    private static partial void LogBroken(ILogger logger, NodeAddress peer, string reason);

    private sealed class Pending(ForwardRequest request, Deadline deadline)
    {
        public ForwardRequest Request => request;

        public Deadline Deadline => deadline;

        public TaskCompletionSource<LaneReply> Completion { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool IsSent { get; set; }
    }
}
