using Kv.Common.Time;

namespace Kv.Common.Tests.Time;

public sealed class HybridLogicalClockTests
{
    private const long Start = 1_767_225_600_000;

    // One step: how the local clock moves (also backwards), and what arrives (or that a reading is taken instead).
    private static readonly Gen<(int Move, int Ahead, ushort Counter, bool Read)[]> Run =
        Gen.Select(Gen.Int[-50, 60], Gen.Int[-1000, 2000], Gen.OneOf(Gen.Const(ushort.MaxValue), Gen.UShort), Gen.Bool).Array[1, 60];

    [Fact]
    public void Readings_strictly_increase_whatever_the_local_clock_and_the_others_do() => Run.Sample(run =>
    {
        var clock = new HybridLogicalClock(HybridTimestamp.Zero);
        var (now, greatest) = (Start, HybridTimestamp.Zero);
        foreach (var step in run)
        {
            now += step.Move;
            if (step.Read)
            {
                var reading = clock.Next(now, HybridTimestamp.Zero);
                Assert.True(reading > greatest);
                greatest = reading;
            }
            else if (clock.TryMerge(Ahead(now, step), now)) greatest = HybridTimestamp.Max(greatest, Ahead(now, step));

            Assert.Equal(greatest, clock.Last);
        }
    });

    [Fact]
    public void A_reading_is_greater_than_its_floor_and_not_behind_the_local_clock() => Run.Sample(run =>
    {
        var clock = new HybridLogicalClock(HybridTimestamp.Zero);
        var now = Start;
        foreach (var step in run)
        {
            now += step.Move;
            var floor = Ahead(now, step);
            if (HybridLogicalClock.IsTooFarAhead(floor, now)) continue;
            var reading = clock.Next(now, floor);
            Assert.True(reading > floor && reading >= HybridTimestamp.At(now));
        }
    });

    [Fact]
    public void The_clock_stays_within_its_bound_of_the_local_clock() => Run.Sample(run =>
    {
        var clock = new HybridLogicalClock(HybridTimestamp.Zero);
        var (now, latest) = (Start, Start);
        foreach (var step in run)
        {
            latest = Math.Max(latest, now += step.Move);
            if (step.Read) clock.Next(now, HybridTimestamp.Zero);
            else clock.TryMerge(Ahead(now, step), now);
            // One more for a counter that was full when it was merged and carried.
            Assert.True(clock.Last.Milliseconds - latest <= HybridLogicalClock.MaxAhead.TotalMilliseconds + 1);
        }
    });

    [Fact]
    public void A_stamp_is_merged_exactly_up_to_500_ms_ahead() => Gen.Select(Gen.OneOf(Gen.Int[498, 502], Gen.Int[0, 2000]), Gen.UShort).Sample((ahead, counter) =>
    {
        var clock = new HybridLogicalClock(HybridTimestamp.At(Start - 1));
        var stamp = new HybridTimestamp(HybridTimestamp.At(Start + ahead).Packed + counter);
        Assert.Equal(ahead <= 500, clock.TryMerge(stamp, Start));
        Assert.Equal(ahead <= 500 ? stamp : HybridTimestamp.At(Start - 1), clock.Last);
    });

    [Fact]
    public void A_clock_restarted_from_its_last_reading_goes_on_above_it_even_when_the_local_clock_went_back() => Run.Sample(run =>
    {
        var clock = new HybridLogicalClock(HybridTimestamp.Zero);
        var (now, greatest) = (Start, HybridTimestamp.Zero);
        foreach (var step in run)
        {
            now += step.Move;
            if (step.Read) clock = new(clock.Last);
            else clock.TryMerge(Ahead(now, step), now);
            var reading = clock.Next(now - 10_000, HybridTimestamp.Zero);
            Assert.True(reading > greatest);
            greatest = reading;
        }
    });

    [Fact]
    public void More_readings_in_a_millisecond_than_the_counter_holds_still_increase()
    {
        var clock = new HybridLogicalClock(HybridTimestamp.Zero);
        var last = HybridTimestamp.Zero;
        for (var i = 0; i < 70_000; i++)
        {
            var reading = clock.Next(Start, HybridTimestamp.Zero);
            Assert.True(reading > last);
            last = reading;
        }

        Assert.Equal(Start + 1, last.Milliseconds);
    }

    private static HybridTimestamp Ahead(long now, (int Move, int Ahead, ushort Counter, bool Read) step) =>
        new(HybridTimestamp.At(now + step.Ahead).Packed + step.Counter);
}
