using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Topology;
using Kv.Node.Replica;
using Kv.Node.Signals;

namespace Kv.Node.Retention;

/// <summary>
/// Forgets deletions of which everybody knows (<see cref="Settlement"/>) and whose keys the log has no writes of any more, at a gentle pace; and knows what the others wait for.
/// </summary>
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
            // Read once for all, when it is needed first: what is logged later is nothing that a deletion outdoes which all know of by now.
            var logged = default(LoggedKeys);
            var ring = view.RingOf(place.Layout);
            int[] arcs = [.. Enumerable.Range(0, ring.ArcCount).Where(arc => ring.OwnerOfArc(arc) == place.Shard)];
            foreach (var part in arcs.Chunk(ArcsPerPause))
            {
                var found = (await replica.SummarizeAsync(part).AsTask().WaitAsync(cancellation)).Where(arc => arc.Value.Tombstones > 0).Select(arc => arc.Key).Order()
                    .SelectMany(arc => replica.Scan(HashRing.RangeOfArc(arc))).Where(record => record.IsTombstone).ToList();
                if (found.Count == 0) continue;
                var byWait = found.ToLookup(state.WaitOf);
                foreach (var group in byWait.Where(group => group.Key is not TombstoneWait.None)) Count(group.Key, group.Count());
                if (byWait.Contains(TombstoneWait.None)) logged ??= await LoggedKeys.ReadAsync(replica, time, cancellation);
                var settled = byWait[TombstoneWait.None].Where(record => logged?.MayHave(record.Key) == false).Select(NameOf).ToList();
                if (byWait[TombstoneWait.None].Count() - settled.Count is > 0 and var inLog) Count(TombstoneWait.Log, inLog);
                foreach (var some in settled.Chunk(MostPerStep)) await replica.CollectAsync(some, state.Epoch).AsTask().WaitAsync(cancellation);
                await Task.Delay(Pause, time, cancellation);
            }
        }

        census.Publish(waiting);

        void Count(TombstoneWait what, int how) => waiting[what] = waiting.GetValueOrDefault(what) + how;
    }

    private static (Key, Dot) NameOf(WriteRecord record) => (record.Key, record.Dot);
}
