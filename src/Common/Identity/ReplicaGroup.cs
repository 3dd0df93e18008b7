using System.Globalization;

namespace Kv.Common.Identity;

/// <summary>
/// A shard in one layout: which positions of the ring it stood for, for good. The layout is in the high 20 bits, the shard in the low 12, so the groups of
/// layout 0 have the numbers of its shards. Ordered by layout, then shard.
/// </summary>
public readonly record struct ReplicaGroup(uint Value) : IComparable<ReplicaGroup>
{
    private const int ShardBits = 12;
    private const int MostShards = 1 << ShardBits;
    private const int MostLayouts = 1 << (32 - ShardBits);

    /// <summary>Throws <see cref="ArgumentOutOfRangeException"/> beyond 2^20 layouts of 4096 shards, the most that a ring has.</summary>
    public ReplicaGroup(int layout, ShardId shard)
        : this(Pack(layout, shard))
    {
    }

    /// <summary>The index of the layout, from 0.</summary>
    public int Layout => (int)(Value >> ShardBits);

    /// <summary>The shard, as it was numbered in that layout.</summary>
    public ShardId Shard => new((int)(Value & (MostShards - 1)));

    public int CompareTo(ReplicaGroup other) => Value.CompareTo(other.Value);

    /// <summary>Layout and shard, as in <c>0.1</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Layout}.{Shard}");

    private static uint Pack(int layout, ShardId shard)
    {
        if ((uint)layout >= MostLayouts) throw new ArgumentOutOfRangeException(nameof(layout), layout, $"There are at most {MostLayouts} layouts.");
        if ((uint)shard.Value >= MostShards) throw new ArgumentOutOfRangeException(nameof(shard), shard, $"A layout has at most {MostShards} shards.");
        return ((uint)layout << ShardBits) | (uint)shard.Value;
    }
}
