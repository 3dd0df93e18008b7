using System.Collections.Immutable;
using Kv.Common.Backup;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Time;

namespace Kv.Node.Backup;

/// <summary>What the node that makes a backup asks of one replica of a shard, in the order of these cases; of <see cref="Include"/> there may be any number.</summary>
internal abstract record BackupRequest
{
    private BackupRequest()
    {
    }

    /// <summary>Are you a complete replica of <paramref name="Source"/>, by a topology no older than <paramref name="Epoch"/>, and what do you hold?</summary>
    internal sealed record Open(Epoch Epoch, ReplicaGroup Source) : BackupRequest;

    /// <summary>Take a snapshot that holds at least <paramref name="Have"/>.</summary>
    internal sealed record Pin(VersionVector Have) : BackupRequest;

    /// <summary>
    /// Add, of <paramref name="Known"/>, what was written after the snapshot with stamps up to <paramref name="Stamp"/>. Refused when there is anything else with such a stamp here.
    /// </summary>
    internal sealed record Settle(VersionVector Known, HybridTimestamp Stamp) : BackupRequest;

    /// <summary>Add what was written after the snapshot, up to <paramref name="Through"/>.</summary>
    internal sealed record Include(VersionVector Through) : BackupRequest;

    /// <summary>Send it. <paramref name="Parts"/> is what the whole backup holds: what depends on anything else is not sent.</summary>
    internal sealed record Scan(ImmutableArray<BackupPart> Parts, bool DigestOnly) : BackupRequest;
}
