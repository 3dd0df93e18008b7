using System.Collections.Immutable;
using Kv.Common.Causality;
using Kv.Common.Identity;

namespace Kv.Common.Backup;

/// <summary>A piece of a backup file. In this order: a header; for each shard its entries, in ring order, and their end; a trailer.</summary>
public abstract record BackupFrame
{
    private BackupFrame()
    {
    }

    /// <summary>What the file is of.</summary>
    /// <param name="Cluster">Whose data.</param>
    /// <param name="Node">Which node made it.</param>
    /// <param name="StartedUnixMs">When it was asked for: everything acknowledged by then is in it.</param>
    /// <param name="Epoch">The topology it was made by.</param>
    /// <param name="Parts">The shards by then, each with the writes that are in it. Together they are causally closed.</param>
    public sealed record Header(ClusterId Cluster, string Node, long StartedUnixMs, Epoch Epoch, ImmutableArray<BackupPart> Parts) : BackupFrame;

    public sealed record Entries(IReadOnlyList<BackupEntry> All) : BackupFrame;

    /// <summary>All entries of a shard have come; they come to <paramref name="Content"/>.</summary>
    public sealed record PartEnd(ReplicaGroup Group, ContentDigest Content) : BackupFrame;

    /// <summary>The end of the file. All shards' entries together come to <paramref name="Content"/>.</summary>
    public sealed record Trailer(ContentDigest Content, long FinishedUnixMs) : BackupFrame;
}

/// <summary>Of one shard, the writes that a backup has: those that <paramref name="Vector"/> covers, or later ones of the same keys that it covers as well.</summary>
public sealed record BackupPart(ReplicaGroup Group, VersionVector Vector);
