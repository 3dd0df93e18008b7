using Kv.Node.Peers;

namespace Kv.Node.Membership;

/// <summary>The far side of a <see cref="HeartbeatLoop"/>: answers each beat with this node's own at once.</summary>
internal sealed class InboundHeartbeats(
    IHeartbeatSource source,
    HeartbeatGate gate,
    MembershipService membership,
    MembershipOptions options,
    TimeProvider time,
    ILogger<InboundHeartbeats> logger)
{
    /// <summary>
    /// Serves until the peer ends or breaks the stream, falls silent, or is refused; the caller then ends the stream. Throws
    /// <see cref="OperationCanceledException"/> only when <paramref name="cancellation"/> is.
    /// </summary>
    public async Task ServeAsync(IPeerStream<Heartbeat, Heartbeat> stream, CancellationToken cancellation)
    {
        using var silence = new CancellationTokenSource(options.StreamSilenceLimit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, silence.Token);
        var peer = "an unknown peer";
        try
        {
            while (await stream.ReceiveAsync(either.Token) is { } beat)
            {
                peer = beat.From.ToString();
                if (!gate.Admits(beat, dialled: null)) return;
                membership.Heard(beat);
                silence.CancelAfter(options.StreamSilenceLimit);
                await stream.SendAsync(source.Next(), either.Token);
            }

            MembershipLog.InboundEnded(logger, peer, "ended by the peer");
        }
        catch (PeerUnavailableException broken)
        {
            MembershipLog.InboundEnded(logger, peer, broken.Message);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            MembershipLog.InboundEnded(logger, peer, "silent for too long");
        }
    }
}
