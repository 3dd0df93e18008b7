using Kv.Common.Membership;

namespace Kv.Common.Tests.Membership;

public class FailureDetectorTests
{
    private static readonly FailureDetectorSettings Settings = new() { Window = 20 };

    private static readonly Gen<TimeSpan> Millis = Gen.Int[0, 5000].Select(ms => TimeSpan.FromMilliseconds(ms));

    private static readonly Gen<TimeSpan[]> History = Millis.Array[0, 50];

    private static (FailureDetector Detector, TimeSpan Now) After(IEnumerable<TimeSpan> intervals, TimeSpan start = default)
    {
        var now = start;
        var detector = new FailureDetector(Settings, now);
        foreach (var interval in intervals) detector.Heard(now += interval);
        return (detector, now);
    }

    [Fact]
    public void Suspicion_grows_with_silence() => Gen.Select(History, Millis, Millis).Sample((history, silence, more) =>
    {
        var (detector, now) = After(history);
        Assert.True(detector.Suspicion(now + silence) <= detector.Suspicion(now + silence + more));
    });

    [Fact]
    public void No_history_makes_it_accuse_before_the_shortest_silence() => History.Sample(history =>
    {
        var (detector, now) = After(history);
        Assert.False(detector.IsSuspect(now + Settings.ShortestSilence - TimeSpan.FromMilliseconds(1)));
    });

    [Fact]
    public void No_history_makes_it_wait_beyond_the_longest_silence() => History.Sample(history =>
    {
        var (detector, now) = After(history);
        Assert.True(detector.IsSuspect(now + Settings.LongestSilence + TimeSpan.FromMilliseconds(1)));
    });

    [Fact]
    public void Beats_up_to_a_second_late_never_accuse() => Gen.Int[0, 1500].Array[1, 200].Sample(intervals =>
    {
        var (detector, now) = After([]);
        foreach (var interval in intervals)
        {
            now += TimeSpan.FromMilliseconds(interval);
            Assert.False(detector.IsSuspect(now));
            detector.Heard(now);
        }
    });

    [Fact]
    public void A_pause_of_the_observer_is_as_if_it_had_not_been() => Gen.Select(History, Millis, Millis, Millis).Sample((history, before, pause, after) =>
    {
        var (paused, now) = After(history);
        var (unpaused, _) = After(history);
        paused.ObserverPaused(pause);
        Assert.Equal(unpaused.Suspicion(now + before + after), paused.Suspicion(now + before + pause + after));

        // Nor is it learnt as an interval.
        paused.Heard(now + before + pause + after);
        unpaused.Heard(now + before + after);
        Assert.Equal(unpaused.Suspicion(now + before + after + before), paused.Suspicion(now + before + pause + after + before));
    });

    [Fact]
    public void What_left_the_window_is_forgotten() => Gen.Select(History, Millis.Array[20, 25], Millis).Sample((old, recent, silence) =>
    {
        var (long_, now) = After([.. old, .. recent]);
        var (short_, start) = After(recent.TakeLast(Settings.Window));
        Assert.Equal(short_.Suspicion(start + silence), long_.Suspicion(now + silence));
    });

    [Fact]
    public void The_origin_of_time_does_not_matter() => Gen.Select(History, Millis, Gen.Long[0, TimeSpan.TicksPerDay * 1000]).Sample((history, silence, origin) =>
    {
        var (here, now) = After(history);
        var (there, then) = After(history, new TimeSpan(origin));
        Assert.Equal(here.Suspicion(now + silence), there.Suspicion(then + silence));
    });

    [Fact]
    public void Time_that_runs_backwards_is_taken_as_standing_still()
    {
        var (detector, now) = After([TimeSpan.FromSeconds(5)]);
        detector.Heard(now - TimeSpan.FromSeconds(3));
        Assert.Equal(now, detector.LastHeard);
        Assert.Equal(TimeSpan.Zero, detector.Silence(now - TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public void Defaults_wait_between_1800_and_2200_milliseconds()
    {
        var defaults = new FailureDetectorSettings();
        Assert.InRange(defaults.ShortestSilence.TotalMilliseconds, 1790, 1820);
        Assert.InRange(defaults.LongestSilence.TotalMilliseconds, 2180, 2210);
    }
}
