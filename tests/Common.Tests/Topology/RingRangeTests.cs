using Kv.Common.Topology;

namespace Kv.Common.Tests.Topology;

public sealed class RingRangeTests
{
    // Positions at both ends of the ring and around a place in between.
    private static readonly Gen<ulong> Position = Gen.OneOf(Gen.ULong[0, 5], Gen.ULong[1UL << 63, (1UL << 63) + 5], Gen.ULong[ulong.MaxValue - 5, ulong.MaxValue]);

    private static readonly Gen<RingRange> Range = Gen.Select(Position, Position, (a, b) => RingRange.Between(Math.Min(a, b), Math.Max(a, b)));

    [Fact]
    public void A_range_contains_both_its_ends_and_what_lies_between() => Gen.Select(Range, Position).Sample((range, position) =>
    {
        Assert.True(range.Contains(range.First) && range.Contains(range.Last));
        Assert.Equal(position >= range.First && position <= range.Last, range.Contains(position));
    });

    [Fact]
    public void The_whole_ring_contains_every_position() => Gen.ULong.Sample(position => Assert.True(RingRange.Whole.Contains(position)));

    [Fact]
    public void A_range_does_not_wrap() => Assert.Throws<ArgumentException>(() => RingRange.Between(2, 1));

    [Fact]
    public void Ranges_merge_exactly_when_no_position_lies_between_them() => Gen.Select(Range, Range, Position).Sample((a, b, position) =>
    {
        var apart = (a.Last < b.First && b.First - a.Last > 1) || (b.Last < a.First && a.First - b.Last > 1);
        Assert.Equal(!apart, a.TryMerge(b, out var merged));
        if (!apart) Assert.Equal(a.Contains(position) || b.Contains(position), merged.Contains(position));
    });

    [Fact]
    public void Merging_is_commutative() => Gen.Select(Range, Range).Sample((a, b) =>
        Assert.Equal((a.TryMerge(b, out var ab), ab), (b.TryMerge(a, out var ba), ba)));
}
