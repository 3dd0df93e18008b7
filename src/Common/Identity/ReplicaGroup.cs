using System.Globalization;

namespace Kv.Common.Identity;

/// <summary>
/// A shard in one layout of the cluster: those who replicate it between two reshards. Packed as layout × 4096 + shard (a ring has at most 4096 shards), so
/// that in the first layout the number is the shard's.
/// </summary>
public readonly record struct ReplicaGroup(uint Value) : IComparable<ReplicaGroup>
{
    private const int ShardBits = 12;
    private const uint ShardMask = (1u << ShardBits) - 1;

    /// <summary>Throws <see cref="ArgumentOutOfRangeException"/> when there can be no such shard or layout.</summary>
    public ReplicaGroup(int layout, ShardId shard)
        : this(Pack(layout, shard))
    {
    }

    /// <summary>How many reshards came before.</summary>
    public int Layout => (int)(Value >> ShardBits);

    public ShardId Shard => new((int)(Value & ShardMask));

    public int CompareTo(ReplicaGroup other) => Value.CompareTo(other.Value);

    /// <summary>Layout and shard, as in <c>0.1</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Layout}.{Shard.Value}");

    private static uint Pack(int layout, ShardId shard)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(layout);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(layout, (int)(uint.MaxValue >> ShardBits), nameof(layout));
        ArgumentOutOfRangeException.ThrowIfNegative(shard.Value, nameof(shard));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(shard.Value, (int)ShardMask, nameof(shard));
        return ((uint)layout << ShardBits) | (uint)shard.Value;
    }
}
