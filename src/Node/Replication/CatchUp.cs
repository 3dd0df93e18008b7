using System.Threading.Channels;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Topology;
using Kv.Node.Peers;
using Kv.Node.Replica;
using Kv.Node.Signals;
using Kv.Node.Telemetry;

namespace Kv.Node.Replication;

/// <summary>
/// Pulls what broadcast cannot bring: records whose origin is dead, cut off or gone for good, from any member of the shard that holds them; and
/// whatever a waiting request misses, from anybody who has it.
/// </summary>
internal sealed partial class CatchUp(
    NodeIdentity self,
    Published<ClusterTopology> topology,
    Published<MembershipView> membership,
    ReplicaState replica,
    IPeerTransport transport,
    TimeProvider time,
    ReplicationOptions options,
    KvMetrics metrics,
    ILogger<CatchUp> logger) : IMissingRecords
{
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly Lock _gate = new();
    private VersionVector _asked = VersionVector.Empty;
    private (VersionVector First, long Since)? _inVain;

    /// <inheritdoc/>
    public void Ask(VersionVector missing)
    {
        lock (_gate) _asked = _asked.Join(missing);
        _wake.Writer.TryWrite(true);
    }

    /// <summary>Looks for gaps at every interval and at every call of <see cref="Ask"/>, until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                await UntilWokenAsync(cancellation);
                await FillAsync(cancellation);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
    }

    private async Task UntilWokenAsync(CancellationToken cancellation)
    {
        using var interval = new CancellationTokenSource(options.GapCheckInterval, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, interval.Token);
        try
        {
            await _wake.Reader.ReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
        }
    }

    private async Task FillAsync(CancellationToken cancellation)
    {
        VersionVector asked;
        lock (_gate)
        {
            asked = _asked;
            _asked = VersionVector.Empty;
        }

        var view = membership.Current;
        var snapshot = replica.Snapshot.Current;
        if (replica.Place.Shard is not { } shard || snapshot.Place is not { } place) return;
        var members = shard.Replicas.Where(m => !m.Equals(self.Address) && view.IsReachable(m)).ToList();
        var lacking = VersionVector.Empty;
        var broadcasting = members.Select(m => view.Find(m)!.Incarnation).ToHashSet();
        foreach (var member in members)
        {
            var peer = view.Find(member)!;
            replica.RefuseOldCopy(member, peer.Vector);
            if (peer.Place != place) continue;
            // A reachable origin sends its own writes itself; only what no origin can send is a gap.
            var gaps = VersionVector.Of(peer.Vector.Where(dot => dot.Origin.Group != place || !broadcasting.Contains(dot.Origin.Incarnation) || IsBeyondLog(dot.Origin)));
            var want = gaps.Join(asked).Without(replica.Snapshot.Current.Vector);
            if (!want.IsEmpty) await FetchAsync(member, place, want, cancellation);
            // Whoever cannot give does not count.
            if (peer.Complete && shard.Includes(member)) lacking = lacking.Join(gaps);
        }

        await BeginAgainIfInVainAsync(place, lacking, cancellation);

        // Its origin has trimmed what is missing here.
        bool IsBeyondLog(Origin origin) => members.Exists(
            m => view.Find(m) is { } sender && sender.Incarnation == origin.Incarnation && sender.Place == place && sender.Replica.LogAfter > replica.Snapshot.Current.Vector[origin]);
    }

    // What complete members hold and no log brings, however often it is asked for, was scanned by all who have it. So it is here: all of the place is pulled once more.
    private async Task BeginAgainIfInVainAsync(ReplicaGroup place, VersionVector lacking, CancellationToken cancellation)
    {
        var now = replica.Snapshot.Current;
        // What is held may grow as long as clients write; in vain is the asking as long as the first of what is missing stays the same.
        var first = VersionVector.Of(lacking.Without(now.Vector).Select(dot => dot with { Sequence = now.Vector[dot.Origin] + 1 }));
        if (now.Place != place || now.Fill is not null || first.IsEmpty || (_inVain is { } before && !before.First.Equals(first)))
        {
            _inVain = null;
            return;
        }

        _inVain ??= (first, time.GetTimestamp());
        if (time.GetElapsedTime(_inVain.Value.Since) < options.RefillAfter) return;
        _inVain = null;
        LogBeginningAgain(logger, place, first);
        await replica.BeginAgainAsync(place).AsTask().WaitAsync(cancellation);
    }

    private async Task FetchAsync(NodeAddress member, ReplicaGroup place, VersionVector want, CancellationToken cancellation)
    {
        var scope = topology.Current.Scope;
        try
        {
            var fetched = 0;
            var ahead = new Queue<VersionVector>();
            using var silence = new CancellationTokenSource(options.AnswerTimeout, time);
            using var answering = CancellationTokenSource.CreateLinkedTokenSource(cancellation, silence.Token);
            await foreach (var batch in transport.FetchAsync(member, new(place, replica.Snapshot.Current.Vector, want), answering.Token))
            {
                silence.CancelAfter(options.AnswerTimeout);
                await replica.DeliverAsync(batch.Passages, scope);
                fetched += batch.Passages.Count;
                ahead.Enqueue(VersionVector.Of(batch.Passages.Select(passage => passage.Through)));
                if (ahead.Count < options.MaxBatchesAhead) continue;
                var oldest = ahead.Dequeue();
                await replica.Snapshot.WaitAsync(snapshot => snapshot.Vector.Covers(oldest), answering.Token);
            }

            var last = ahead.Aggregate(VersionVector.Empty, (joined, dots) => joined.Join(dots));
            if (fetched == 0) return;
            metrics.Fetched(fetched);
            LogFetched(logger, fetched, member);
            // The next member is asked only for what this one did not bring. Bounded, because a fetched record may itself wait for its past.
            using var settle = new CancellationTokenSource(options.GapCheckInterval, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, settle.Token);
            await replica.Snapshot.WaitAsync(snapshot => snapshot.Vector.Covers(last), either.Token);
        }
        catch (PeerUnavailableException unavailable)
        {
            LogFetchFailed(logger, member, unavailable.Message);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
        }
    }

    [LoggerMessage(2010, LogLevel.Debug, "Fetched {Records} missing records from {Peer}")]
    private static partial void LogFetched(ILogger logger, int records, NodeAddress peer);

    [LoggerMessage(2012, LogLevel.Warning, "No log reaches back to {Lacking} of group {Place}: all of it is pulled once more")]
    private static partial void LogBeginningAgain(ILogger logger, ReplicaGroup place, VersionVector lacking);

    [LoggerMessage(2011, LogLevel.Debug, "Could not fetch missing records from {Peer}: {Reason}")]
    private static partial void LogFetchFailed(ILogger logger, NodeAddress peer, string reason);
}
