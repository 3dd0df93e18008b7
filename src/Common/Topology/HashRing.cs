using System.Collections.Concurrent;
using System.Collections.Immutable;
using Kv.Common.Identity;

namespace Kv.Common.Topology;

/// <summary>
/// Which shard owns which keys: the 64-bit ring in <see cref="ArcCount"/> equal arcs (the virtual nodes), each owned by one shard. Immutable. Shards own
/// equally many arcs, give or take one, and a ring grown by a shard differs from the one before only in the arcs that the new shard took. Part of
/// the data format: the same number of shards gives the same ring on every node and in every version. Why arcs are equal: docs/decisions/0002.
/// </summary>
public sealed class HashRing
{
    /// <summary>No ring has more shards than this.</summary>
    public const int MostShards = Arcs;

    private const int ArcBits = 12;
    private const int Arcs = 1 << ArcBits;

    // By shard count. Every topology of every epoch asks for the same few.
    private static readonly HashRing?[] Known = new HashRing?[Arcs + 1];

    // The owner of each arc, by the top bits of a position.
    private readonly ushort[] _owners;
    private readonly ImmutableArray<RingRange>[] _ranges;
    private readonly int[] _arcsOf;

    // By the other ring's shard count: whether shards share an arc, by this ring's shard, then the other's.
    private readonly ConcurrentDictionary<int, bool[]> _overlaps = [];

    private HashRing(ushort[] owners, int shardCount)
    {
        _owners = owners;
        _arcsOf = new int[shardCount];
        foreach (var owner in owners) _arcsOf[owner]++;
        _ranges = MergeArcs(owners, shardCount);
    }

    /// <summary>The arc that holds <paramref name="position"/>, from 0; the same on every ring.</summary>
    public static int ArcOf(ulong position) => (int)(position >> (64 - ArcBits));

    /// <summary>The positions of an arc.</summary>
    public static RingRange RangeOfArc(int arc)
    {
        const ulong ArcLength = 1UL << (64 - ArcBits);
        var first = (ulong)arc * ArcLength;
        return RingRange.Between(first, first + (ArcLength - 1));
    }

    /// <summary>How many arcs there are.</summary>
    public int ArcCount => _owners.Length;

    /// <summary>How many shards there are, numbered from 0.</summary>
    public int ShardCount => _arcsOf.Length;

    /// <summary>Every shard of the ring, ascending; each owns at least one arc.</summary>
    public IEnumerable<ShardId> Shards => Enumerable.Range(0, ShardCount).Select(id => new ShardId(id));

    /// <summary>
    /// The ring of shards 0 to <paramref name="shardCount"/> - 1, grown one by one from the ring of shard 0 alone. Worked out once: asked again it is a
    /// look into an array.
    /// </summary>
    public static HashRing For(int shardCount)
    {
        if (shardCount is < 1 or > MostShards)
            throw new ArgumentOutOfRangeException(nameof(shardCount), shardCount, $"A ring has 1 to {MostShards} shards.");
        if (Volatile.Read(ref Known[shardCount]) is { } known) return known;
        var ring = new HashRing(new ushort[Arcs], 1);
        while (ring.ShardCount < shardCount) ring = ring.Grow();
        return Interlocked.CompareExchange(ref Known[shardCount], ring, null) ?? ring;
    }

    /// <summary>The shard that owns <paramref name="position"/>.</summary>
    public ShardId OwnerOf(ulong position) => new(_owners[ArcOf(position)]);

    /// <summary>The shard that owns <paramref name="arc"/>.</summary>
    public ShardId OwnerOfArc(int arc) => new(_owners[arc]);

    /// <summary>How many arcs <paramref name="shard"/> owns; 0 when it is not on the ring.</summary>
    public int ArcsOf(ShardId shard) => IsOnRing(shard) ? _arcsOf[shard.Value] : 0;

    /// <summary>The positions that <paramref name="shard"/> owns: ascending ranges that neither overlap nor touch; none when it is not on the ring.</summary>
    public IReadOnlyList<RingRange> RangesOf(ShardId shard) => IsOnRing(shard) ? _ranges[shard.Value] : [];

    /// <summary>
    /// True when some position is <paramref name="shard"/>'s here and <paramref name="otherShard"/>'s on the other ring; false when either is not on its ring.
    /// Worked out once for a pair of rings: asked again it takes constant time and allocates nothing.
    /// </summary>
    public bool Overlaps(ShardId shard, HashRing other, ShardId otherShard)
    {
        if (!IsOnRing(shard) || !other.IsOnRing(otherShard)) return false;
        if (ShardCount == other.ShardCount) return shard == otherShard;
        if (!_overlaps.TryGetValue(other.ShardCount, out var shares)) _overlaps[other.ShardCount] = shares = OverlapsWith(other);
        return shares[shard.Value * other.ShardCount + otherShard.Value];
    }

    /// <summary>
    /// The ring with one shard more, which takes the fewest arcs that leave all shards equal give or take one, each from whoever has most at that
    /// moment. Which of an owner's arcs go is decided by a hash, so that they lie scattered and every donor gives of its whole ring.
    /// </summary>
    public HashRing Grow()
    {
        var shardCount = ShardCount;
        if (shardCount == MostShards) throw new InvalidOperationException($"A ring has at most {MostShards} shards.");
        var newcomer = (ushort)shardCount;
        var owners = (ushort[])_owners.Clone();
        var left = (int[])_arcsOf.Clone();
        var offered = new Queue<int>[shardCount];
        for (var shard = 0; shard < shardCount; shard++) offered[shard] = new();
        foreach (var arc in Enumerable.Range(0, Arcs).OrderBy(arc => Scatter(arc, newcomer)).ThenBy(arc => arc)) offered[owners[arc]].Enqueue(arc);

        for (var taken = 0; taken < Arcs / (shardCount + 1); taken++)
        {
            // The lowest id among those that have most.
            var donor = Array.IndexOf(left, left.Max());
            left[donor]--;
            owners[offered[donor].Dequeue()] = newcomer;
        }

        return new(owners, shardCount + 1);
    }

    private bool[] OverlapsWith(HashRing other)
    {
        var shares = new bool[ShardCount * other.ShardCount];
        for (var arc = 0; arc < Arcs; arc++) shares[_owners[arc] * other.ShardCount + other._owners[arc]] = true;
        return shares;
    }

    private bool IsOnRing(ShardId shard) => (uint)shard.Value < (uint)_arcsOf.Length;

    // The finalizer of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014): neighbouring inputs, unrelated outputs.
    private static ulong Scatter(int arc, ushort newcomer)
    {
        var x = (((ulong)newcomer << ArcBits) | (uint)arc) + 0x9e3779b97f4a7c15;
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
        x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
        return x ^ (x >> 31);
    }

    private static ImmutableArray<RingRange>[] MergeArcs(ushort[] owners, int shardCount)
    {
        var ranges = new List<RingRange>[shardCount];
        for (var shard = 0; shard < shardCount; shard++) ranges[shard] = [];
        for (var arc = 0; arc < Arcs; arc++)
        {
            var range = RangeOfArc(arc);
            var owned = ranges[owners[arc]];
            if (owned.Count > 0 && owned[^1].TryMerge(range, out var merged)) owned[^1] = merged;
            else owned.Add(range);
        }

        return [.. ranges.Select(owned => owned.ToImmutableArray())];
    }
}
