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
    private static readonly IReadOnlyDictionary<int, ArcSummary> NoArcs = new Dictionary<int, ArcSummary>();

    /// <summary>All records here are forgotten, before the winners are stored. Their log entries stay.</summary>
    public IReadOnlyList<RingRange> Dropped { get; init; } = [];

    /// <summary>Keys that have no record any more; none of them has a winner in this batch. Their log entries stay.</summary>
    public IReadOnlyCollection<Key> Forgotten { get; init; } = [];

    /// <summary>What each arc (<see cref="HashRing.ArcOf"/>) that the step changed comes to after it.</summary>
    public IReadOnlyDictionary<int, ArcSummary> Arcs { get; init; } = NoArcs;
}
