using System.Collections.Immutable;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Migration;
using Kv.Common.Replication;
using Kv.Common.Topology;
using Kv.Node.Peers;
using Kv.Node.Replica;
using Kv.Node.Replication;
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
    RangeQuestions questions,
    Mending mending,
    FillProgress progress,
    TransferBudget budget,
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
            // What the writer began by one topology may be over by the next; then it says so with its next step.
            if (PartsOf(fill, topology.Current) is not { } parts) return;
            progress.Begin(session, parts.Values.Sum(each => each.Length), fill.Sources.Where(source => source.IsWhole).Sum(source => parts[source.Group].Length));
            LogFilling(logger, fill.Target, string.Join(", ", parts.Keys));
            if (fill.IsAgain(replica.Snapshot.Current.Place)) await HandOverAsync(fill.Target, cancellation);
            await Task.WhenAll(fill.Sources.Where(source => !source.IsWhole).Select(source => PullAsync(session, source.Group, parts[source.Group], progress.PartDone, cancellation)));
            if (!fill.IsAgain(replica.Snapshot.Current.Place)) await UntilCoveredAsync(session, parts, cancellation);
            await replica.CompleteFillAsync(session);
            LogFilled(logger, fill.Target);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
    }

    // What only this replica has goes to the others by broadcast meanwhile; a donor that holds it has less that differs. It need not: what a cut does not cover stays.
    private async Task HandOverAsync(ReplicaGroup place, CancellationToken cancellation)
    {
        var own = new Origin(self.Incarnation, place);
        var written = replica.Snapshot.Current.Vector[own];
        using var soon = new CancellationTokenSource(options.AnswerTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, soon.Token);
        try
        {
            await membership.WaitAsync(view => GiversOf(place, topology.Current, view).Any(peer => peer.Complete && peer.Vector[own] >= written), either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
        }
    }

    // Part by part, each from whoever can give it. The cut that the writer took first is the one that counts: every scan must be at least as new. Of a source that was whole
    // before, and is pulled again because something was missing, a newer cut is taken when all is here.
    private async Task PullAsync(FillSession session, ReplicaGroup source, ImmutableArray<ImmutableArray<RingRange>> parts, Action partDone, CancellationToken cancellation)
    {
        var backoff = new Backoff(options.RetryMin, options.RetryMax, time, new Random(random.Next()));
        var wasWhole = Known(session, source) is { IsWhole: true };
        var paces = new Dictionary<NodeAddress, LinkPace>();
        VersionVector? cut = null;
        long? refusedSince = null;
        for (var part = 0; part < parts.Length;)
        {
            var known = Known(session, source);
            var least = cut ?? (known is { IsWhole: true } ? known.Vector : known?.Cut);
            if (known is null || ChooseDonor(session, known, least, paces) is not { } donor)
            {
                refusedSince = null;
                await backoff.PauseAsync(cancellation);
                continue;
            }

            var before = progress.Records;
            if (!paces.TryGetValue(donor, out var pace)) paces.Add(donor, pace = new());
            if (await PartAsync(session, known, donor, pace, least, parts[part], cancellation) is not { } told)
            {
                // Donors are there, and none gives anything.
                refusedSince = progress.Records == before ? refusedSince ?? time.GetTimestamp() : null;
                if (refusedSince is { } since && time.GetElapsedTime(since) >= options.RestartAfter && await replica.FillAnewAsync(session)) LogBeginningAnew(logger, source);
                await backoff.PauseAsync(cancellation);
                continue;
            }

            refusedSince = null;
            backoff.Reset();
            partDone();
            cut ??= wasWhole ? told : Known(session, source)?.Cut ?? told;
            part++;
        }

        if (wasWhole) await replica.TakeCutAsync(session, source, cut!);
        else await replica.FinishSourceAsync(session, source);
    }

    private FillSource? Known(FillSession session, ReplicaGroup source) =>
        replica.Snapshot.Current.Fill is { } fill && FillSession.Of(fill) == session ? fill.Find(source) : null;

    // What is filled for the first time is pulled; what the replica has already, and lacks some of, is compared first.
    private Task<VersionVector?> PartAsync(
        FillSession session, FillSource source, NodeAddress donor, LinkPace pace, VersionVector? least, ImmutableArray<RingRange> ranges, CancellationToken cancellation) =>
        replica.Snapshot.Current.Place == session.Target
            ? mending.MendAsync(
                session, source.Group, donor, least, ranges, (pieces, cut) => PullPartAsync(session, source, donor, pace, cut, pieces, cancellation), cancellation)
            : PullPartAsync(session, source, donor, pace, least, ranges, cancellation);

    // Page by page, each one coming while the one before it is taken in. The donor's first cut when all of the part is durable here, else null.
    private async Task<VersionVector?> PullPartAsync(
        FillSession session, FillSource source, NodeAddress donor, LinkPace pace, VersionVector? least, ImmutableArray<RingRange> ranges, CancellationToken cancellation)
    {
        using var here = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        VersionVector? cut = null;
        var ahead = new Queue<Task<bool>>();
        var asked = AskAsync(ranges, least ?? VersionVector.Empty);
        try
        {
            while (ranges.Length > 0)
            {
                if (await asked is not { } page) return null;
                if (cut is null && least is null) await replica.TakeCutAsync(session, source.Group, page.Cut);
                cut ??= page.Cut;
                ranges = page.Rest;
                if (ranges.Length > 0) asked = AskAsync(ranges, cut);
                foreach (var batch in page.Records.Chunk(RecordBatch.MaxRecords))
                {
                    if (ahead.Count >= options.MaxBatchesAhead && !await ahead.Dequeue()) return null;
                    ahead.Enqueue(TakeInAsync(session, batch, cancellation));
                }
            }

            // What counts is what the writer made durable.
            while (ahead.TryDequeue(out var batch))
            {
                if (!await batch) return null;
            }

            return cut;
        }
        finally
        {
            here.Cancel();
            await ((Task)asked).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }

        // As much as the donor's link carries quickly; where that is too much still, it has a rest before the next one is asked for.
        async Task<TransferPage?> AskAsync(ImmutableArray<RingRange> rest, VersionVector have)
        {
            if (await questions.RecordsAsync(donor, session.Since, source.Group, have, rest, pace.Bytes, here.Token) is not { } page)
            {
                pace.BrokeOff();
                return null;
            }

            progress.Received(page.Records.Count, page.Bytes);
            if (pace.Took(page.Took, isFull: page.Rest.Length > 0)) await budget.RestAsync(page.Took, here.Token);
            return page;
        }
    }

    // Durable, and rested from.
    private async Task<bool> TakeInAsync(FillSession session, IReadOnlyList<WriteRecord> records, CancellationToken cancellation)
    {
        var since = time.GetTimestamp();
        if (!await replica.TransferAsync(session, records)) return false;
        await budget.RestAsync(time.GetElapsedTime(since), cancellation);
        return true;
    }

    // A reachable, complete member of the source that knows of this fill; one that holds what it must by its last beat rather than one that would refuse, one that holds more
    // than is here rather than another, one whose link was not found narrow, and among equals any of them, so that several who are filled at once do not all ask the same one.
    private NodeAddress? ChooseDonor(FillSession session, FillSource source, VersionVector? least, Dictionary<NodeAddress, LinkPace> paces)
    {
        var givers = GiversOf(source.Group, topology.Current, membership.Current).Where(peer => peer.Complete && peer.Place == source.Group && peer.Epoch >= session.Since).ToList();
        if (least is not null && givers.Where(peer => peer.Vector.Covers(least)).ToList() is { Count: > 0 } able) givers = able;
        var held = source.IsWhole || session.Target == source.Group ? replica.Snapshot.Current.Received.Join(source.Vector) : source.Vector;
        if (givers.Where(peer => !held.Covers(peer.Vector)).ToList() is { Count: > 0 } ahead) givers = ahead;
        if (givers.Where(peer => !paces.TryGetValue(peer.Address, out var pace) || !pace.IsNarrow).ToList() is { Count: > 0 } wide) givers = wide;
        return givers.Count == 0 ? null : givers[random.Next(givers.Count)].Address;
    }

    private IEnumerable<PeerView> GiversOf(ReplicaGroup source, ClusterTopology view, MembershipView peers) =>
        view.Layout == source.Layout && view.Find(source.Shard) is { } shard
            ? shard.Members.Where(member => !member.Equals(self.Address) && peers.IsReachable(member)).Select(member => peers.Find(member)!)
            : [];

    // Every live member of a source tells, in an epoch in which it sends here what it writes, what it held: that must be here. So must be what the own group holds, of
    // which a part is to be kept.
    private async Task UntilCoveredAsync(FillSession session, ImmutableDictionary<ReplicaGroup, ImmutableArray<ImmutableArray<RingRange>>> parts, CancellationToken cancellation)
    {
        foreach (var (source, pieces) in parts) await CoverAsync(session, source, pieces, cancellation);
        if (replica.Snapshot.Current.Place is not { } place || !topology.Current.Concerns(place, session.Target)) return;
        await replica.Snapshot.WaitAsync(next => next.Place != place || next.IsComplete, cancellation);
        // Only so that little is missing right after the commit: what the place lacks it claims as little afterwards, and can be pulled once more then, but not now. So not for
        // long: others wait for this node's word, and the one that wrote what is missing may just have died.
        using var soon = new CancellationTokenSource(options.AnswerTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, soon.Token);
        try
        {
            await UntilItCoversAsync(session, place, () => replica.Snapshot.Current is { Place: { } now } here && now == place ? here.Vector : null, null, either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
        }
    }

    // Broadcast brings it, unless its origin died before it could: then one that has it gives everything again, with a newer cut.
    private Task CoverAsync(FillSession session, ReplicaGroup source, ImmutableArray<ImmutableArray<RingRange>> parts, CancellationToken cancellation) =>
        UntilItCoversAsync(session, source, () => Known(session, source)?.Vector, () => PullAgainAsync(session, source, parts, cancellation), cancellation);

    // Null for what is held: there is nothing to cover any more. What was measured may be gone for good, and another one's word is as good: so it is measured again each time.
    private async Task UntilItCoversAsync(FillSession session, ReplicaGroup source, Func<VersionVector?> held, Func<Task>? remedy, CancellationToken cancellation)
    {
        while (true)
        {
            var needed = await HeldByGiversAsync(session, source, cancellation);
            var before = held();
            using var soon = new CancellationTokenSource(options.AnswerTimeout, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, soon.Token);
            try
            {
                await replica.Snapshot.WaitAsync(_ => held() is not { } here || here.Covers(needed), either.Token);
                return;
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                // What is still coming needs no remedy. What clients write meanwhile is no sign of that: it comes as long as they do, from other origins.
                if (remedy is not null && before is not null && held() is { } now && needed.Any(dot => now[dot.Origin] < dot.Sequence && now[dot.Origin] == before[dot.Origin])) await remedy();
            }
        }
    }

    private Task PullAgainAsync(FillSession session, ReplicaGroup source, ImmutableArray<ImmutableArray<RingRange>> parts, CancellationToken cancellation)
    {
        LogPullingAgain(logger, source);
        return PullAsync(session, source, parts, () => { }, cancellation);
    }

    private async Task<VersionVector> HeldByGiversAsync(FillSession session, ReplicaGroup source, CancellationToken cancellation)
    {
        // The own group may have nobody else; of another one somebody must say what there is.
        var isOwn = replica.Snapshot.Current.Place == source;
        bool HaveSpoken(MembershipView next)
        {
            var givers = GiversOf(source, topology.Current, next).ToList();
            return (isOwn || givers.Count > 0) && givers.TrueForAll(peer => peer.Epoch >= session.Since && peer.Place == source);
        }

        var view = await membership.WaitAsync(HaveSpoken, cancellation);
        var known = topology.Current;
        return GiversOf(source, known, view)
            .Aggregate(VersionVector.Empty, (joined, peer) => joined.Join(peer.Vector))
            .OfGroups(group => known.Knows(session.Target.Layout) && PlaceRules.Matters(known, group, source, session.Target));
    }

    // What comes from each source for the target, in pieces of so many arcs; null when the topology does not know the target (any more).
    private ImmutableDictionary<ReplicaGroup, ImmutableArray<ImmutableArray<RingRange>>>? PartsOf(Fill fill, ClusterTopology view)
    {
        if (fill.Target.Layout != view.Layout && fill.Since != view.Transition?.Begun) return null;
        var to = view.RingOf(fill.Target.Layout);
        return fill.Sources.ToImmutableDictionary(source => source.Group, source =>
        {
            var from = view.RingOf(source.Group.Layout);
            var arcs = Enumerable.Range(0, from.ArcCount).Where(arc => from.OwnerOfArc(arc) == source.Group.Shard && to.OwnerOfArc(arc) == fill.Target.Shard);
            return arcs.Chunk(options.ArcsPerPart).Select(RangesOf).ToImmutableArray();
        });
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

    [LoggerMessage(5015, LogLevel.Warning, "Nobody gives what is missing of group {Source}: the fill begins anew")]
    private static partial void LogBeginningAnew(ILogger logger, ReplicaGroup source);

    [LoggerMessage(5014, LogLevel.Debug, "Writes of group {Source} do not come by broadcast: all of it is pulled again")]
    private static partial void LogPullingAgain(ILogger logger, ReplicaGroup source);
}
