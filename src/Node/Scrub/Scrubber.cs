using System.Collections.Immutable;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Replication;
using Kv.Common.Topology;
using Kv.Node.Migration;
using Kv.Node.Replica;
using Kv.Node.Signals;
using Kv.Node.Storage;

namespace Kv.Node.Scrub;

/// <summary>
/// Goes through what this replica holds, again and again and at a gentle pace (docs/protocols/anti-entropy.md): what is stored must come to what was counted, and what another member has
/// of the writes that this one is to hold must be here, or a later write of the key. What is missing is taken from the other one; what the other one lacks, its own pass finds.
/// </summary>
internal sealed partial class Scrubber(
    NodeIdentity self,
    Published<ClusterTopology> topology,
    Published<MembershipView> membership,
    ReplicaState replica,
    RangeQuestions questions,
    ScrubProgress progress,
    TransferBudget budget,
    TimeProvider time,
    ScrubOptions options,
    ILogger<Scrubber> logger)
{
    // Values of the longest kind are held in memory, all of them.
    private const int RecordsAtATime = 16;

    /// <summary>Compares until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            if (options.Period == TimeSpan.Zero) await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellation);
            for (var pass = 0; ; pass++)
            {
                progress.SetWaiting();
                var settled = await replica.Snapshot.WaitAsync(IsSettled, cancellation);
                if (!await PassAsync(settled.Place!.Value, pass, cancellation)) await Task.Delay(options.HurriedPeriod, time, cancellation);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
    }

    private static bool IsSettled(ReplicaSnapshot here) => here is { Place: not null, IsComplete: true, Fill: null };

    // False when it was not gone through to the end, because the node is to hold something else.
    private async Task<bool> PassAsync(ReplicaGroup place, int pass, CancellationToken cancellation)
    {
        var view = topology.Current;
        if (!view.Knows(place.Layout)) return false;
        var ring = view.RingOf(place.Layout);
        int[] arcs = [.. Enumerable.Range(0, ring.ArcCount).Where(arc => ring.OwnerOfArc(arc) == place.Shard)];
        var steps = arcs.Chunk(options.ArcsPerStep).ToList();
        progress.Begin(arcs.Length);
        for (var step = 0; step < steps.Count; step++)
        {
            await PauseAsync(place, steps.Count, cancellation);
            if (topology.Current.Transition is not null || replica.Snapshot.Current is not { } here || here.Place != place || !IsSettled(here)) return false;
            var since = time.GetTimestamp();
            await RecountAsync(steps[step], cancellation);
            if (ChoosePartner(place, pass + step) is { } partner) await CompareAsync(place, partner, steps[step], cancellation);
            progress.Done(steps[step].Length);
            await budget.RestAsync(time.GetElapsedTime(since), cancellation);
        }

        progress.End(time.GetUtcNow());
        return true;
    }

    // As long as there is no reason to hurry.
    private async Task PauseAsync(ReplicaGroup place, int steps, CancellationToken cancellation)
    {
        var patience = options.Period / steps;
        var glance = TimeSpan.FromTicks(Math.Min(patience.Ticks, options.HurriedPeriod.Ticks / steps));
        var since = time.GetTimestamp();
        do
        {
            await Task.Delay(glance, time, cancellation);
        }
        while (time.GetElapsedTime(since) < patience && !Differs(place));
    }

    // Heartbeats tell of vector and digest as of one moment.
    private bool Differs(ReplicaGroup place)
    {
        var here = replica.Snapshot.Current;
        return here.Place == place && PartnersOf(place).Any(peer => peer.Vector.Equals(here.Vector) && peer.Replica.LiveDigest != here.Held.LiveDigest);
    }

    private NodeAddress? ChoosePartner(ReplicaGroup place, int turn) => PartnersOf(place).ToList() is { Count: > 0 } partners ? partners[turn % partners.Count].Address : null;

    private IEnumerable<PeerView> PartnersOf(ReplicaGroup place)
    {
        var peers = membership.Current;
        return topology.Current is var view && view.Layout == place.Layout && view.Find(place.Shard) is { } shard
            ? shard.Members.Where(member => !member.Equals(self.Address) && peers.IsReachable(member)).Select(member => peers.Find(member)!)
                .Where(peer => peer is { Complete: true, Filling: null } && peer.Place == place)
            : [];
    }

    private async Task RecountAsync(int[] arcs, CancellationToken cancellation)
    {
        var before = await replica.SummarizeAsync(arcs).AsTask().WaitAsync(cancellation);
        var stored = arcs.ToDictionary(arc => arc, arc => ArcSummary.Of(replica.Scan(HashRing.RangeOfArc(arc))));
        var after = await replica.SummarizeAsync(arcs).AsTask().WaitAsync(cancellation);
        // Where something was written meanwhile, the next pass looks. The writer's own look is the one that counts, and stops it for as long as it takes.
        foreach (var arc in arcs.Where(arc => before[arc] == after[arc] && stored[arc] != after[arc]))
        {
            if (await replica.RecountAsync(arc).AsTask().WaitAsync(cancellation)) continue;
            LogWrongCount(logger, arc);
            progress.Found(new(time.GetUtcNow(), ScrubFindingKind.WrongCount, null, null, arc));
        }
    }

    // 1. Which arcs differ? 2. Which records of them? 3. Those; and of them what was not on its way, but missing.
    private async Task CompareAsync(ReplicaGroup place, NodeAddress partner, int[] arcs, CancellationToken cancellation)
    {
        // 1.
        var before = replica.Snapshot.Current;
        var epoch = topology.Current.Epoch;
        if (await questions.DifferencesAsync(partner, epoch, place, before.Vector, [.. arcs.Select(HashRing.RangeOfArc)], cancellation) is not var (_, differing)) return;

        // 2.
        foreach (var range in differing.Select(difference => difference.Range))
        {
            if (await questions.EntriesAsync(partner, epoch, place, before.Vector, [range], cancellation) is not { } there) return;
            var here = replica.Scan(range).Select(record => new RangeEntry(record.Key.Position, RecordDigest.Of(record))).ToHashSet();
            var wanted = there.Where(entry => !here.Contains(entry)).Select(entry => entry.Position).Distinct().Order();

            // 3.
            foreach (var positions in wanted.Chunk(RecordsAtATime))
            {
                ImmutableArray<RingRange> asked = [.. positions.Select(position => RingRange.Between(position, position))];
                while (asked.Length > 0)
                {
                    if (await questions.RecordsAsync(partner, epoch, place, before.Vector, asked, TransferRequest.MostBytes, cancellation) is not { } page) return;
                    if (await replica.RegainAsync(place, before, page.Records).AsTask().WaitAsync(cancellation) is not { } regained) return;
                    foreach (var record in regained) Tell(record, partner);
                    asked = page.Rest;
                }
            }
        }
    }

    private void Tell(WriteRecord record, NodeAddress partner)
    {
        LogMissing(logger, record.Dot.ToString(), partner);
        progress.Found(new(time.GetUtcNow(), ScrubFindingKind.MissingWrite, record.Key, partner, HashRing.ArcOf(record.Key.Position)));
    }

    [LoggerMessage(8100, LogLevel.Error, "Write {Dot} was missing here, though this replica is to hold it, and was taken from {Partner}: replicas had come apart")]
    private static partial void LogMissing(ILogger logger, string dot, NodeAddress partner);

    [LoggerMessage(8101, LogLevel.Error, "Arc {Arc} of the ring did not come to what had been counted, and was counted again")]
    private static partial void LogWrongCount(ILogger logger, int arc);
}
