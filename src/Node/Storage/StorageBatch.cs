using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Topology;

namespace Kv.Node.Storage;

/// <summary>
/// One atomic step of a replica: which ranges it gives up, what is appended to the log, which records become the winners of their keys, and the state after it.
/// </summary>
/// <param name="Log">Every applied record, winner or not, in the order applied.</param>
/// <param name="Winners">The last winner of each key that the step changed.</param>
/// <param name="Checkpoint">The state after the step.</param>
internal sealed record StorageBatch(IReadOnlyCollection<WriteRecord> Log, IReadOnlyDictionary<Key, WriteRecord> Winners, ReplicaCheckpoint Checkpoint)
{
    private static readonly IReadOnlyDictionary<int, long> NoCounts = new Dictionary<int, long>();

    /// <summary>All records here are forgotten, before the winners are stored. Their log entries stay.</summary>
    public IReadOnlyList<RingRange> Dropped { get; init; } = [];

    /// <summary>The number of live keys of each arc (<see cref="HashRing.ArcOf"/>) in which it changed, after the step.</summary>
    public IReadOnlyDictionary<int, long> Counts { get; init; } = NoCounts;
}
