using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Time;

namespace Kv.Node.Replica;

/// <summary>What is known of deletions that may be forgotten.</summary>
/// <param name="Epoch">By which topology.</param>
/// <param name="Vector">All hold what it covers, and everything that could be outdone by it.</param>
/// <param name="Clocks">No replica of the shard writes with an earlier stamp any more.</param>
/// <param name="Wait">What all deletions wait for at the moment.</param>
internal sealed record SettlementState(Epoch Epoch, VersionVector Vector, HybridTimestamp Clocks, TombstoneWait Wait)
{
    /// <summary>
    /// What <paramref name="tombstone"/> waits for. Whoever reads that there is nothing learns nothing of what the deletion depended on, so that must be everywhere as well.
    /// </summary>
    public TombstoneWait WaitOf(WriteRecord tombstone) =>
        Wait is not TombstoneWait.None ? Wait
        : !Vector.Covers(tombstone.OpenedToken.Dependencies) ? TombstoneWait.Stability
        : tombstone.Stamp > Clocks ? TombstoneWait.Clock
        : TombstoneWait.None;
}

/// <summary>Why a deletion is still remembered.</summary>
internal enum TombstoneWait
{
    /// <summary>For nothing: the next look forgets it.</summary>
    None,

    /// <summary>It, what it depends on, or a write that it outdoes is not known to be held everywhere.</summary>
    Stability,

    /// <summary>The clock of a replica is behind it.</summary>
    Clock,

    /// <summary>The topology is changing: nodes join or leave a shard, or do not act on the newest one yet.</summary>
    Topology,

    /// <summary>Some member was not heard by this process, or not in this epoch.</summary>
    Member,

    /// <summary>Somebody is being filled, or keeps the log of an ended group.</summary>
    Transfer,

    /// <summary>The log has still a write of its key.</summary>
    Log,
}
