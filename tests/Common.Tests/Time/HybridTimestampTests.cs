using Kv.Common.Time;

namespace Kv.Common.Tests.Time;

public sealed class HybridTimestampTests
{
    private static readonly Gen<long> Milliseconds = Gen.Long[0, (1L << 48) - 2];

    [Fact]
    public void Milliseconds_and_counter_are_read_back_as_packed() => Gen.Select(Milliseconds, Gen.UShort).Sample((ms, counter) =>
    {
        var stamp = new HybridTimestamp(HybridTimestamp.At(ms).Packed + counter);
        Assert.Equal((ms, counter), (stamp.Milliseconds, stamp.Counter));
    });

    [Fact]
    public void Order_is_by_milliseconds_then_counter() => Gen.Select(Generators.Stamp, Generators.Stamp).Sample((a, b) =>
    {
        Assert.Equal(Math.Sign((a.Milliseconds, a.Counter).CompareTo((b.Milliseconds, b.Counter))), Math.Sign(a.CompareTo(b)));
        Assert.Equal(a.CompareTo(b) < 0, a < b);
        Assert.Equal(a.CompareTo(b) > 0, a > b);
        Assert.Equal(a.CompareTo(b) <= 0, a <= b);
        Assert.Equal(a.CompareTo(b) >= 0, a >= b);
        Assert.Equal(a >= b ? a : b, HybridTimestamp.Max(a, b));
    });

    [Fact]
    public void The_successor_is_the_next_greater_reading() => Generators.Stamp.Where(a => a.Packed != ulong.MaxValue)
        .Sample(a => Assert.True(a.Successor > a && a.Successor.Packed - a.Packed == 1));

    [Fact]
    public void A_full_counter_carries_into_the_milliseconds() => Milliseconds.Sample(ms =>
        Assert.Equal(HybridTimestamp.At(ms + 1), new HybridTimestamp(HybridTimestamp.At(ms).Packed + ushort.MaxValue).Successor));

    [Theory]
    [InlineData(-1, 0)]
    [InlineData(long.MinValue, 0)]
    [InlineData(long.MaxValue, (1L << 48) - 1)]
    public void Times_that_do_not_fit_are_clamped(long ms, long expected) => Assert.Equal(expected, HybridTimestamp.At(ms).Milliseconds);
}
