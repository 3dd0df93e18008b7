using Kv.Common.Identity;
using Kv.Node.Peers;
using Kv.Node.Replica;
using Kv.Node.Telemetry;

namespace Kv.Node.Replication;

/// <summary>
/// Sends this node's own writes to one member of its shard. The log is the queue: a batch is whatever the log holds after the cursor, so a slow or
/// dead peer costs no memory. The cursor starts where the peer says it is, and again so after every reconnect; sending twice is harmless.
/// </summary>
internal sealed partial class PeerReplicator(
    NodeIdentity self,
    NodeAddress peer,
    ReplicaState replica,
    IPeerTransport transport,
    IDurabilityObserver durability,
    TimeProvider time,
    Random random,
    ReplicationOptions options,
    KvMetrics metrics,
    ILogger logger)
{
    /// <summary>Connects, sends until the stream breaks, pauses, and begins anew, until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var backoff = new Backoff(options.ReconnectMin, options.ReconnectMax, time, random);
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                await SendOverOneStreamAsync(backoff, cancellation);
            }
            catch (PeerUnavailableException broken)
            {
                LogStreamBroken(logger, peer, broken.Message);
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return;
            }

            try
            {
                await backoff.PauseAsync(cancellation);
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private async Task SendOverOneStreamAsync(Backoff backoff, CancellationToken cancellation)
    {
        await using var stream = await transport.OpenBroadcastAsync(peer, cancellation);
        var greeting = await GreetingAsync(stream, cancellation);
        replica.RefuseOldCopy(peer, greeting.Vector);
        Acknowledge(greeting);
        backoff.Reset();
        LogStreamOpen(logger, peer, greeting.Vector[self.Incarnation]);

        await Duplex.RunAsync(
            stop => SendAsync(stream, greeting.Vector[self.Incarnation], stop), stop => ReceiveAcknowledgementsAsync(stream, stop), cancellation);
    }

    private async Task<Acknowledgement> GreetingAsync(IPeerStream<RecordBatch, Acknowledgement> stream, CancellationToken cancellation)
    {
        using var silence = new CancellationTokenSource(options.AnswerTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, silence.Token);
        try
        {
            return await stream.ReceiveAsync(either.Token) ?? throw new PeerUnavailableException(peer, "ended the broadcast stream before its greeting");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new PeerUnavailableException(peer, "opened the broadcast stream and did not greet");
        }
    }

    private async Task SendAsync(IPeerStream<RecordBatch, Acknowledgement> stream, ulong cursor, CancellationToken cancellation)
    {
        while (true)
        {
            await replica.Snapshot.WaitAsync(snapshot => snapshot.Vector[self.Incarnation] > cursor, cancellation);
            var records = replica.ReadLog(self.Incarnation, cursor, RecordBatch.MaxRecords, RecordBatch.MaxBytes);
            if (records.Count == 0) throw new InvalidOperationException($"The log of {self.Incarnation} has no entry after {cursor}, which {peer} still needs.");
            await stream.SendAsync(new(records), cancellation);
            metrics.Sent(peer.ToString(), records.Count);
            cursor = records[^1].Dot.Sequence;
        }
    }

    private async Task ReceiveAcknowledgementsAsync(IPeerStream<RecordBatch, Acknowledgement> stream, CancellationToken cancellation)
    {
        while (await stream.ReceiveAsync(cancellation) is { } acknowledgement) Acknowledge(acknowledgement);
    }

    private void Acknowledge(Acknowledgement acknowledgement) =>
        durability.Acknowledged(peer, acknowledgement.From, acknowledgement.Vector[self.Incarnation]);

    [LoggerMessage(2000, LogLevel.Debug, "Broadcast to {Peer} begins after {Sequence}")]
    private static partial void LogStreamOpen(ILogger logger, NodeAddress peer, ulong sequence);

    [LoggerMessage(2001, LogLevel.Debug, "Broadcast to {Peer} ended: {Reason}")]
    private static partial void LogStreamBroken(ILogger logger, NodeAddress peer, string reason);
}
