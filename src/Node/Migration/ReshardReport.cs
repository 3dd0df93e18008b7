using System.Collections.Immutable;
using Kv.Common.Identity;
using Kv.Common.Topology;

namespace Kv.Node.Migration;

/// <summary>What a reshard has done so far.</summary>
/// <param name="Transition">What it leads to.</param>
/// <param name="IsReady">Everything is in place; what is left is to decide the commit.</param>
/// <param name="WaitsFor">Who is not filled yet.</param>
/// <param name="PartsDone">Parts of the ring transferred whole, of all nodes together.</param>
/// <param name="PartsTotal">Parts that must be.</param>
/// <param name="Records">Records transferred, to each receiver.</param>
/// <param name="Bytes">Their keys, values and tokens.</param>
/// <param name="Elapsed">Since it became known here.</param>
internal sealed record ReshardReport(
    Transition Transition, bool IsReady, ImmutableArray<NodeAddress> WaitsFor, int PartsDone, int PartsTotal, long Records, long Bytes, TimeSpan Elapsed)
{
    /// <summary>The shard to be that has too few live nodes at the moment.</summary>
    public ShardId? Lacking { get; init; }

    public double RecordsPerSecond => Elapsed > TimeSpan.Zero ? Records / Elapsed.TotalSeconds : 0;

    /// <summary>When it will be done, if it goes on as it went; null while nothing can be said.</summary>
    public TimeSpan? Remaining => PartsDone == 0 ? null : Elapsed * ((double)(PartsTotal - PartsDone) / PartsDone);
}
