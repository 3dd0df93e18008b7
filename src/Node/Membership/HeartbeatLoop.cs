using System.Collections.Concurrent;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Node.Peers;

namespace Kv.Node.Membership;

/// <summary>
/// Beats to one peer and hears its beats over a stream that this node opens, and opens again whenever it breaks or falls silent. The peer does the
/// same towards this node, so that a pair hears each other over two connections and one broken one makes nobody suspect.
/// </summary>
internal sealed class HeartbeatLoop(
    NodeAddress peer,
    IPeerTransport transport,
    IHeartbeatSource source,
    HeartbeatGate gate,
    MembershipService membership,
    Departure departure,
    MembershipOptions options,
    TimeProvider time,
    Random random,
    ILogger<HeartbeatLoop> logger)
{
    // How soon a beat follows an announcement.
    private static readonly TimeSpan Hurry = TimeSpan.FromMilliseconds(1);

    private readonly Backoff _backoff = new(options.ReconnectMin, options.ReconnectMax, time, random);

    /// <summary>Connects, exchanges beats until the stream ends, pauses, and begins anew, until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                MembershipLog.StreamEnded(logger, peer, await ExchangeAsync(cancellation));
                await _backoff.PauseAsync(cancellation);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
    }

    // The reason why the stream ended; cancellation and bugs are thrown.
    private async Task<string> ExchangeAsync(CancellationToken cancellation)
    {
        // A connection that a firewall or a vanished machine left half open fails only after many minutes of retransmission: its silence ends it.
        using var silence = new CancellationTokenSource(options.StreamSilenceLimit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, silence.Token);
        try
        {
            await using var stream = await transport.OpenHeartbeatAsync(peer, either.Token);
            MembershipLog.StreamOpen(logger, peer);
            // What was said in the beats that are not answered yet: a peer answers each with one of its own.
            var unanswered = new ConcurrentQueue<DepartureStage>();
            await Duplex.RunAsync(stop => ReceiveAsync(stream, silence, unanswered, stop), stop => SendAsync(stream, unanswered, stop), either.Token);
            return "ended or refused";
        }
        catch (PeerUnavailableException broken)
        {
            return broken.Message;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return "silent for too long";
        }
    }

    private async Task SendAsync(IPeerStream<Heartbeat, Heartbeat> stream, ConcurrentQueue<DepartureStage> unanswered, CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(options.HeartbeatInterval, time);
        using var hurrying = departure.OnAnnounced(() => timer.Period = Hurry);
        do
        {
            if (timer.Period != options.HeartbeatInterval) timer.Period = options.HeartbeatInterval;
            unanswered.Enqueue(departure.Stage);
            await stream.SendAsync(source.Next(), cancellation);
        }
        while (await timer.WaitForNextTickAsync(cancellation));
    }

    private async Task ReceiveAsync(
        IPeerStream<Heartbeat, Heartbeat> stream, CancellationTokenSource silence, ConcurrentQueue<DepartureStage> unanswered, CancellationToken cancellation)
    {
        while (await stream.ReceiveAsync(cancellation) is { } beat)
        {
            if (!gate.Admits(beat, peer)) return;
            membership.Heard(beat);
            if (unanswered.TryDequeue(out var stage)) departure.Heard(peer, stage);
            _backoff.Reset();
            silence.CancelAfter(options.StreamSilenceLimit);
        }
    }
}
