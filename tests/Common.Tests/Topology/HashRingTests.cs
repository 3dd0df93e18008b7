using System.IO.Hashing;
using Kv.Common.Identity;
using Kv.Common.Topology;

namespace Kv.Common.Tests.Topology;

public sealed class HashRingTests
{
    private const ulong PinnedPosition = 9354485511436987977;
    private const ulong PinnedOwners = 4855074428794790306;

    private static readonly ulong[] Positions = [.. Enumerable.Range(0, 10_000).Select(i => new Key($"key{i}").Position)];

    public static TheoryData<int> ShardCounts => [.. Enumerable.Range(2, 15)];

    [Theory]
    [MemberData(nameof(ShardCounts))]
    public void Every_shard_has_its_fair_share_of_ten_thousand_keys_within_8_percent(int shardCount)
    {
        var ring = HashRing.For(shardCount);
        var fair = Positions.Length / (double)shardCount;
        var keys = Positions.CountBy(ring.OwnerOf).ToDictionary();
        Assert.All(ring.Shards, shard => Assert.InRange(keys[shard], fair * 0.92, fair * 1.08));
    }

    [Theory]
    [MemberData(nameof(ShardCounts))]
    public void Reaching_n_shards_moves_at_most_1_1_nths_of_the_keys_and_only_to_the_newcomer(int shardCount)
    {
        var (before, after) = (HashRing.For(shardCount - 1), HashRing.For(shardCount));
        var moved = Positions.Where(position => before.OwnerOf(position) != after.OwnerOf(position)).ToList();
        Assert.InRange(moved.Count, 1, 1.1 * Positions.Length / shardCount);
        Assert.All(moved, position => Assert.Equal(new(shardCount - 1), after.OwnerOf(position)));
    }

    [Fact]
    public void The_fewest_possible_arcs_move_and_only_to_the_newcomer() => Gen.Int[1, 300].Sample(
        shardCount =>
        {
            var (before, after) = (HashRing.For(shardCount), HashRing.For(shardCount + 1));
            Assert.Equal(before.ArcCount / (shardCount + 1), after.ArcsOf(new(shardCount)));
            Assert.All(before.Shards, shard => Assert.True(after.ArcsOf(shard) <= before.ArcsOf(shard)));
            Assert.All(ArcStarts(after), start => Assert.True(after.OwnerOf(start) == before.OwnerOf(start) || after.OwnerOf(start).Value == shardCount));
        },
        iter: 10);

    [Fact]
    public void Shards_own_equally_many_arcs_give_or_take_one() => Gen.Int[1, 300].Sample(
        shardCount =>
        {
            var ring = HashRing.For(shardCount);
            var arcs = ring.Shards.Select(ring.ArcsOf).ToList();
            Assert.Equal(shardCount, arcs.Count);
            Assert.Equal(ring.ArcCount, arcs.Sum());
            Assert.InRange(arcs.Max() - arcs.Min(), 0, 1);
            Assert.Equal(arcs, ring.Shards.Select(shard => ArcStarts(ring).Count(start => ring.OwnerOf(start) == shard)));
        },
        iter: 10);

    [Fact]
    public void The_ranges_of_all_shards_partition_the_ring() => Gen.Int[1, 40].Sample(
        shardCount =>
        {
            var ring = HashRing.For(shardCount);
            var ranges = ring.Shards.SelectMany(shard => ring.RangesOf(shard).Select(range => (Range: range, Shard: shard))).OrderBy(piece => piece.Range.First).ToList();
            Assert.Equal(0UL, ranges[0].Range.First);
            Assert.Equal(ulong.MaxValue, ranges[^1].Range.Last);
            foreach (var (left, right) in ranges.Zip(ranges.Skip(1)))
            {
                Assert.Equal(left.Range.Last + 1, right.Range.First);
                // Neighbours of one shard would have been merged.
                Assert.NotEqual(left.Shard, right.Shard);
            }
        },
        iter: 10);

    [Fact]
    public void A_position_lies_in_the_ranges_of_its_owner_alone() => Gen.Select(Gen.Int[1, 16], Gen.ULong).Sample(
        (shardCount, position) =>
        {
            var ring = HashRing.For(shardCount);
            Assert.Equal([ring.OwnerOf(position)], ring.Shards.Where(shard => ring.RangesOf(shard).Any(range => range.Contains(position))));
        },
        iter: 50);

    [Fact]
    public void A_ring_of_one_shard_is_one_range() => Assert.Equal([RingRange.Whole], HashRing.For(1).RangesOf(new(0)));

    [Fact]
    public void A_shard_that_is_not_on_the_ring_owns_nothing()
    {
        var ring = HashRing.For(2);
        Assert.All([new ShardId(2), new ShardId(-1), new ShardId(int.MaxValue)], shard => Assert.True(ring.ArcsOf(shard) == 0 && ring.RangesOf(shard).Count == 0));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(4097)]
    public void A_ring_has_at_least_one_shard_and_at_most_one_per_arc(int shardCount) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => HashRing.For(shardCount));

    [Fact]
    public void A_ring_is_worked_out_once() => Gen.Int[1, 40].Sample(shardCount => Assert.Same(HashRing.For(shardCount), HashRing.For(shardCount)), iter: 20);

    // Stored data and running clusters depend on both; a change here is a change of the data format.
    [Fact]
    public void Positions_and_rings_never_change()
    {
        Assert.Equal(PinnedPosition, Positions[0]);
        var ring = HashRing.For(16);
        byte[] owners = [.. ArcStarts(ring).Select(start => (byte)ring.OwnerOf(start).Value)];
        Assert.Equal(PinnedOwners, XxHash3.HashToUInt64(owners));
    }

    private static IEnumerable<ulong> ArcStarts(HashRing ring) => Enumerable.Range(0, ring.ArcCount).Select(arc => (ulong)arc << 52);
}
