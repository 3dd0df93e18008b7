using System.Collections.Immutable;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Migration;
using Kv.Common.Topology;
using Kv.Node.Peers;
using Kv.Node.Replica;
using Kv.Node.Signals;

namespace Kv.Node.Migration;

/// <summary>
/// Fills this node's replica for the group it is to be of (docs/protocols/migration.md): pulls what each source has, and says when it is all there. What to fill, and from
/// whom, is the writer's word; this loop does what is left to do of it, and begins anew when that becomes another one.
/// </summary>
internal sealed partial class Filling(
    NodeIdentity self,
    Published<ClusterTopology> topology,
    Published<MembershipView> membership,
    ReplicaState replica,
    IPeerTransport transport,
    FillProgress progress,
    TimeProvider time,
    Random random,
    MigrationOptions options,
    ILogger<Filling> logger)
{
    /// <summary>Fills whenever there is something to fill, until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                var snapshot = await replica.Snapshot.WaitAsync(next => next.Fill is { IsComplete: false }, cancellation);
                var session = FillSession.Of(snapshot.Fill!);
                using var here = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
                var filling = FillAsync(snapshot.Fill!, session, here.Token);
                var over = replica.Snapshot.WaitAsync(next => next.Fill is not { IsComplete: false } fill || FillSession.Of(fill) != session, here.Token).AsTask();
                if (await Task.WhenAny(filling, over) == filling) await filling;
                await over;
                here.Cancel();
                await filling;
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
    }

    // 1. Everything there was, from all sources side by side. 2. Everything that their members held when they knew of it. 3. Say so.
    private async Task FillAsync(Fill fill, FillSession session, CancellationToken cancellation)
    {
        try
        {
            var parts = fill.Sources.ToDictionary(source => source.Group, source => PartsOf(source.Group, fill.Target));
            progress.Begin(session, parts.Values.Sum(each => each.Count));
            LogFilling(logger, fill.Target, string.Join(", ", parts.Keys));
            await Task.WhenAll(fill.Sources.Where(source => !source.IsWhole).Select(source => PullAsync(session, source, parts[source.Group], cancellation)));
            await UntilCoveredAsync(session, cancellation);
            await replica.CompleteFillAsync(session);
            LogFilled(logger, fill.Target);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
    }

    // Part by part, each from whoever can give it. The first cut is the one that counts: the scans that follow are newer. A source that was whole before, and is pulled
    // again because something was missing, takes the cut when all is here.
    private async Task PullAsync(FillSession session, FillSource source, List<ImmutableArray<RingRange>> parts, CancellationToken cancellation)
    {
        var backoff = new Backoff(options.RetryMin, options.RetryMax, time, new Random(random.Next()));
        var cut = source.HasCut ? source.Vector : null;
        for (var part = 0; part < parts.Count;)
        {
            if (ChooseDonor(session, source.Group) is { } donor && await PullPartAsync(session, source, donor, cut, parts[part], cancellation) is { } told)
            {
                backoff.Reset();
                progress.PartDone();
                if (part++ == 0) cut = told;
                continue;
            }

            await backoff.PauseAsync(cancellation);
        }

        if (source.IsWhole) await replica.TakeCutAsync(session, source.Group, cut!);
        else await replica.FinishSourceAsync(session, source.Group);
    }

    // The donor's cut when all of the part is durable here, else null.
    private async Task<VersionVector?> PullPartAsync(
        FillSession session, FillSource source, NodeAddress donor, VersionVector? have, ImmutableArray<RingRange> ranges, CancellationToken cancellation)
    {
        using var silence = new CancellationTokenSource(options.AnswerTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, silence.Token);
        VersionVector? told = null;
        var ahead = new Queue<Task<bool>>();
        var digest = new TransferDigest();
        try
        {
            await foreach (var piece in transport.TransferAsync(donor, new(session.Since, source.Group, have ?? VersionVector.Empty, ranges), either.Token))
            {
                silence.CancelAfter(options.AnswerTimeout);
                switch (piece)
                {
                    case TransferPiece.Cut cut:
                        told = cut.Vector;
                        if (have is null) await replica.TakeCutAsync(session, source.Group, cut.Vector);
                        break;
                    case TransferPiece.Records records:
                        foreach (var record in records.All) digest.Add(record);
                        progress.Received(records.All.Count, records.All.Sum(record => (long)record.Key.Utf8.Length + record.Value.Length + record.Token.Length));
                        ahead.Enqueue(replica.TransferAsync(session, records.All).AsTask());
                        if (ahead.Count >= options.MaxBatchesAhead && !await ahead.Dequeue()) return null;
                        break;
                    case TransferPiece.End end:
                        // What counts is what the writer made durable.
                        var taken = true;
                        while (ahead.TryDequeue(out var batch)) taken &= await batch;
                        if (taken && digest.Equals(end)) return told;
                        LogMismatch(logger, donor, source.Group);
                        return null;
                }
            }
        }
        catch (PeerUnavailableException unavailable)
        {
            LogBroken(logger, donor, source.Group, unavailable.Message);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            LogBroken(logger, donor, source.Group, "silent for too long");
        }

        return null;
    }

    // A reachable, complete member of the source that knows of this fill; any of them, so that several who are filled at once do not all ask the same one.
    private NodeAddress? ChooseDonor(FillSession session, ReplicaGroup source)
    {
        var givers = GiversOf(source, membership.Current).Where(peer => peer is { Complete: true } && peer.Place == source && peer.Epoch >= session.Since).ToList();
        return givers.Count == 0 ? null : givers[random.Next(givers.Count)].Address;
    }

    private IEnumerable<PeerView> GiversOf(ReplicaGroup source, MembershipView view) =>
        topology.Current.Layout != source.Layout ? []
        : topology.Current.Find(source.Shard)!.Members.Where(member => !member.Equals(self.Address) && view.IsReachable(member)).Select(member => view.Find(member)!);

    // Every live member of a source tells, in an epoch in which it sends here what it writes, what it held: that must be here. So must be what the own group holds, of
    // which a part is to be kept.
    private async Task UntilCoveredAsync(FillSession session, CancellationToken cancellation)
    {
        var snapshot = replica.Snapshot.Current;
        foreach (var source in snapshot.Fill?.Sources ?? [])
            await CoverAsync(session, source.Group, await HeldByGiversAsync(session, source.Group, cancellation), cancellation);
        if (snapshot.Place is not { } place || !topology.Current.Concerns(place, session.Target)) return;
        var held = await HeldByGiversAsync(session, place, cancellation);
        await replica.Snapshot.WaitAsync(next => next.Place != place || (next.IsComplete && next.Vector.Covers(held)), cancellation);
    }

    private async Task<VersionVector> HeldByGiversAsync(FillSession session, ReplicaGroup source, CancellationToken cancellation)
    {
        var view = await membership.WaitAsync(next => GiversOf(source, next).All(peer => peer.Epoch >= session.Since && peer.Place == source), cancellation);
        return GiversOf(source, view).Aggregate(VersionVector.Empty, (joined, peer) => joined.Join(peer.Vector));
    }

    // Broadcast brings it, unless its origin died before it could: then one that has it gives everything again, with a newer cut.
    private async Task CoverAsync(FillSession session, ReplicaGroup source, VersionVector needed, CancellationToken cancellation)
    {
        while (replica.Snapshot.Current.Fill is { } fill && FillSession.Of(fill) == session && fill.Find(source) is { } held && !held.Vector.Covers(needed))
        {
            using var soon = new CancellationTokenSource(options.AnswerTimeout, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, soon.Token);
            try
            {
                await replica.Snapshot.WaitAsync(next => next.Fill?.Find(source) is not { } reached || reached.Vector.Covers(needed), either.Token);
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                LogPullingAgain(logger, source);
                await PullAsync(session, held, PartsOf(source, session.Target), cancellation);
            }
        }
    }

    // What comes from the source for the target, in pieces of so many arcs.
    private List<ImmutableArray<RingRange>> PartsOf(ReplicaGroup source, ReplicaGroup target)
    {
        var view = topology.Current;
        var (from, to) = (view.RingOf(source.Layout), view.RingOf(target.Layout));
        var arcs = Enumerable.Range(0, from.ArcCount).Where(arc => from.OwnerOfArc(arc) == source.Shard && to.OwnerOfArc(arc) == target.Shard);
        return [.. arcs.Chunk(options.ArcsPerPart).Select(RangesOf)];
    }

    private static ImmutableArray<RingRange> RangesOf(IEnumerable<int> arcs)
    {
        var ranges = ImmutableArray.CreateBuilder<RingRange>();
        foreach (var range in arcs.Select(HashRing.RangeOfArc))
        {
            if (ranges.Count > 0 && ranges[^1].TryMerge(range, out var merged)) ranges[^1] = merged;
            else ranges.Add(range);
        }

        return ranges.ToImmutable();
    }

    [LoggerMessage(5010, LogLevel.Information, "This node is being filled for group {Target}, from {Sources}")]
    private static partial void LogFilling(ILogger logger, ReplicaGroup target, string sources);

    [LoggerMessage(5011, LogLevel.Information, "This node holds all it must for group {Target}")]
    private static partial void LogFilled(ILogger logger, ReplicaGroup target);

    [LoggerMessage(5012, LogLevel.Debug, "The transfer from {Donor}, of group {Source}, broke off: {Reason}")]
    private static partial void LogBroken(ILogger logger, NodeAddress donor, ReplicaGroup source, string reason);

    [LoggerMessage(5013, LogLevel.Warning, "What {Donor} sent of group {Source} is not what it says it sent: it is asked for again")]
    private static partial void LogMismatch(ILogger logger, NodeAddress donor, ReplicaGroup source);

    [LoggerMessage(5014, LogLevel.Debug, "Writes of group {Source} do not come by broadcast: all of it is pulled again")]
    private static partial void LogPullingAgain(ILogger logger, ReplicaGroup source);
}
