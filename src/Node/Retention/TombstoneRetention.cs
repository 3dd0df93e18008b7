using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Topology;
using Kv.Node.Replica;
using Kv.Node.Signals;

namespace Kv.Node.Retention;

/// <summary>Forgets deletions of which everybody knows (<see cref="Settlement"/>), at a gentle pace, and knows what the others wait for.</summary>
internal sealed class TombstoneRetention(
    Published<ClusterTopology> topology, ReplicaState replica, Settlement settlement, TombstoneCensus census, TimeProvider time, RetentionOptions options)
{
    private const int ArcsPerPause = 64;
    private const int MostPerStep = 256;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    /// <summary>Looks after it until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            var sinceLast = time.GetTimestamp();
            while (true)
            {
                await Task.Delay(options.ReviewInterval, time, cancellation);
                // Looked at often, so that rounds come to an end; the records are gone through seldom.
                var state = settlement.Look();
                if (time.GetElapsedTime(sinceLast) < options.TombstoneInterval) continue;
                await ReviewAsync(state, cancellation);
                sinceLast = time.GetTimestamp();
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
    }

    private async Task ReviewAsync(SettlementState state, CancellationToken cancellation)
    {
        var waiting = new Dictionary<TombstoneWait, long>();
        var view = topology.Current;
        if (replica.Snapshot.Current is { Place: { } place, Held.Tombstones: > 0 } && view.Knows(place.Layout))
        {
            var ring = view.RingOf(place.Layout);
            int[] arcs = [.. Enumerable.Range(0, ring.ArcCount).Where(arc => ring.OwnerOfArc(arc) == place.Shard)];
            foreach (var some in arcs.Chunk(ArcsPerPause))
            {
                var found = (await replica.SummarizeAsync(some).AsTask().WaitAsync(cancellation)).Where(arc => arc.Value.Tombstones > 0).Select(arc => arc.Key).Order()
                    .SelectMany(arc => replica.Scan(HashRing.RangeOfArc(arc))).Where(record => record.IsTombstone).ToList();
                if (found.Count == 0) continue;
                foreach (var group in found.GroupBy(state.WaitOf).Where(group => group.Key is not TombstoneWait.None)) waiting[group.Key] = waiting.GetValueOrDefault(group.Key) + group.Count();
                foreach (var settled in found.Where(record => state.WaitOf(record) is TombstoneWait.None).Select(NameOf).Chunk(MostPerStep))
                    await replica.CollectAsync(settled, state.Epoch).AsTask().WaitAsync(cancellation);
                await Task.Delay(Pause, time, cancellation);
            }
        }

        census.Publish(waiting);
    }

    private static (Key, Dot) NameOf(WriteRecord record) => (record.Key, record.Dot);
}
