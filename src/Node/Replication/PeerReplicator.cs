using System.Collections.Immutable;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Migration;
using Kv.Common.Replication;
using Kv.Common.Topology;
using Kv.Node.Peers;
using Kv.Node.Replica;
using Kv.Node.Signals;
using Kv.Node.Telemetry;

namespace Kv.Node.Replication;

/// <summary>
/// Sends one peer what it is to have of this node's log (<see cref="Feed"/>), while the layout and the reshard under way stay the same. The log is the queue: a batch is
/// whatever the log holds after the cursor, so a slow or dead peer costs no memory. The cursors start where the peer says it is, and again so after
/// every reconnect; sending twice is harmless.
/// </summary>
internal sealed partial class PeerReplicator(
    NodeIdentity self,
    NodeAddress peer,
    LayoutScope scope,
    Published<ClusterTopology> topology,
    ReplicaState replica,
    IPeerTransport transport,
    IDurabilityObserver durability,
    TimeProvider time,
    Random random,
    ReplicationOptions options,
    KvMetrics metrics,
    ILogger logger)
{
    /// <summary>Connects when there is something to send, sends until the stream breaks, pauses, and begins anew, until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var backoff = new Backoff(options.ReconnectMin, options.ReconnectMax, time, random);
        try
        {
            while (true)
            {
                await UntilThereIsSomethingAsync(cancellation);
                try
                {
                    await SendOverOneStreamAsync(backoff, cancellation);
                }
                catch (PeerUnavailableException broken)
                {
                    LogStreamBroken(logger, peer, broken.Message);
                }
                finally
                {
                    durability.Lost(peer);
                }

                await backoff.PauseAsync(cancellation);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
    }

    private IReadOnlyList<Feed> Feeds() => topology.Current is var view && view.Scope == scope ? Feed.To(peer, self, view, replica.Snapshot.Current) : [];

    // What there is to send follows from both; either may be first to change.
    private async Task UntilThereIsSomethingAsync(CancellationToken cancellation)
    {
        if (Feeds().Count > 0) return;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var first = await Task.WhenAny(
            topology.WaitAsync(_ => Feeds().Count > 0, either.Token).AsTask(),
            replica.Snapshot.WaitAsync(_ => Feeds().Count > 0, either.Token).AsTask());
        either.Cancel();
        await first;
    }

    private async Task SendOverOneStreamAsync(Backoff backoff, CancellationToken cancellation)
    {
        var feeds = Feeds();
        var view = topology.Current;
        if (view.Scope != scope) return;
        await using var stream = await transport.OpenBroadcastAsync(peer, new(view.Epoch, scope), cancellation);
        var greeting = await GreetingAsync(stream, cancellation);
        replica.RefuseOldCopy(peer, greeting.Vector);
        durability.Acknowledged(peer, greeting.From, greeting.Vector);
        if (!IsBeyondLog(feeds, greeting.Vector)) backoff.Reset();
        LogStreamOpen(logger, peer, greeting.Vector);

        await Duplex.RunAsync(
            stop => SendAsync(stream, feeds, greeting.Vector, stop), stop => ReceiveAcknowledgementsAsync(stream, greeting.Vector, stop), cancellation);
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

    // Own writes as they come, and what there was of ended groups in turn with them: neither waits for all of the other. Until there is something else to send.
    private async Task SendAsync(IPeerStream<RecordBatch, Acknowledgement> stream, IReadOnlyList<Feed> feeds, VersionVector held, CancellationToken cancellation)
    {
        var ended = new LogMerge(feeds
            .Where(feed => feed.Through is not null && held[feed.Origin] >= feed.After)
            .Select(feed => new LogCursor(replica, held[feed.Origin], new(feed.Origin, feed.Through!.Value), record => feed.Includes(record.Key.Position))));
        var own = feeds.FirstOrDefault(feed => feed.Through is null);
        var sent = own is null ? 0 : held[own.Origin];
        // Until the peer has got what was trimmed elsewhere, it is told again and again where the log begins, by the heartbeats, and sent only what there was of ended groups.
        var isBeyondLog = IsBeyondLog(feeds, held);
        var hasOthers = false;
        var looked = (View: default(ClusterTopology), Place: default(ReplicaGroup?), Former: default(ImmutableArray<FormerPlace>));
        for (var former = ended.Next(); ; former = former is null ? null : ended.Next())
        {
            if (former is not null) await SendAsync(stream, former, cancellation);
            else if (isBeyondLog) throw BeyondLog(own!, sent);
            else await replica.Snapshot.WaitAsync(next => HasOthers(next) || HasOwn(next), cancellation);
            var snapshot = replica.Snapshot.Current;
            if (HasOthers(snapshot)) return;
            if (!isBeyondLog && HasOwn(snapshot)) sent = await SendOwnAsync(stream, own!, sent, snapshot.Vector[own!.Origin], cancellation);
        }

        bool HasOwn(ReplicaSnapshot next) => own is not null && next.Vector[own.Origin] > sent;

        // Asked at every commit, so it looks closely only when something changed on which feeds depend.
        bool HasOthers(ReplicaSnapshot next)
        {
            var view = topology.Current;
            if (ReferenceEquals(view, looked.View) && next.Place == looked.Place && next.Former == looked.Former) return hasOthers;
            looked = (view, next.Place, next.Former);
            // What is not to be sent any more does no harm.
            return hasOthers |= !Feeds().All(feeds.Contains);
        }
    }

    private async Task<ulong> SendOwnAsync(IPeerStream<RecordBatch, Acknowledgement> stream, Feed own, ulong sent, ulong through, CancellationToken cancellation)
    {
        var slice = replica.ReadLog(own.Origin, sent, through, RecordBatch.MaxRecords, RecordBatch.MaxBytes)
            ?? throw BeyondLog(own, sent);
        var passages = new List<Passage>(slice.Records.Count + 1);
        foreach (var record in slice.Records)
        {
            if (!own.Includes(record.Key.Position)) continue;
            passages.Add(new(record.Dot, sent, record));
            sent = record.Dot.Sequence;
        }

        if (sent < slice.Through) passages.Add(new(new(own.Origin, slice.Through), sent, null));
        await SendAsync(stream, new(passages), cancellation);
        return slice.Through;
    }

    private bool IsBeyondLog(IReadOnlyList<Feed> feeds, VersionVector held) =>
        feeds.Any(feed => feed.Through is null && replica.Snapshot.Current.LoggedAfter[feed.Origin] > held[feed.Origin]);

    private PeerUnavailableException BeyondLog(Feed own, ulong held) => new(peer, $"holds {held} of {own.Origin}, and the log here begins later: it has to be filled");

    private async Task SendAsync(IPeerStream<RecordBatch, Acknowledgement> stream, RecordBatch batch, CancellationToken cancellation)
    {
        await stream.SendAsync(batch, cancellation);
        metrics.Sent(peer.ToString(), batch.Passages.Count);
    }

    private async Task ReceiveAcknowledgementsAsync(IPeerStream<RecordBatch, Acknowledgement> stream, VersionVector held, CancellationToken cancellation)
    {
        while (await stream.ReceiveAsync(cancellation) is { } acknowledgement)
        {
            held = held.Join(acknowledgement.Vector);
            durability.Acknowledged(peer, acknowledgement.From, held);
        }
    }

    [LoggerMessage(2000, LogLevel.Debug, "Broadcast to {Peer} begins after {Vector}")]
    private static partial void LogStreamOpen(ILogger logger, NodeAddress peer, VersionVector vector);

    [LoggerMessage(2001, LogLevel.Debug, "Broadcast to {Peer} ended: {Reason}")]
    private static partial void LogStreamBroken(ILogger logger, NodeAddress peer, string reason);
}
