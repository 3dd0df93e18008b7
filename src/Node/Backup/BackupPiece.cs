using Kv.Common.Backup;
using Kv.Common.Causality;
using Kv.Common.Time;

namespace Kv.Node.Backup;

/// <summary>What the replica answers.</summary>
internal abstract record BackupPiece
{
    private BackupPiece()
    {
    }

    /// <summary>To <see cref="BackupRequest.Open"/>: what it held.</summary>
    internal sealed record Opened(VersionVector Vector) : BackupPiece;

    /// <summary>
    /// To <see cref="BackupRequest.Pin"/>, <see cref="BackupRequest.Settle"/> and <see cref="BackupRequest.Include"/>: what its part holds now, what the writes depend on that came to it since the
    /// answer before, about how many keys it has, and a stamp that no write of the snapshot exceeds.
    /// </summary>
    internal sealed record Held(VersionVector Vector, VersionVector Dependencies, long LiveKeys, HybridTimestamp Clock) : BackupPiece;

    /// <summary>To <see cref="BackupRequest.Scan"/>: the keys that have a value, in ring order, in so many pieces.</summary>
    internal sealed record Entries(IReadOnlyList<BackupEntry> All) : BackupPiece;

    /// <summary>And what they came to.</summary>
    internal sealed record End(ContentDigest Content) : BackupPiece;
}
