using Kv.Common.Membership;

namespace Kv.Common.Tests.Membership;

public class ClockSkewTests
{
    [Fact]
    public void Delayed_beats_do_not_hide_a_clock_that_is_ahead() => Gen.Select(Gen.Int[-5000, 5000], Gen.Int[0, 2000].Array[1, 7]).Sample((ahead, delays) =>
    {
        var skew = new ClockSkew();
        var now = 1_000_000L;
        skew.Heard(now + ahead, now);
        foreach (var delay in delays) skew.Heard(now + ahead, now + delay);
        Assert.Equal(TimeSpan.FromMilliseconds(ahead), skew.Estimate);
    });

    [Fact]
    public void A_clock_that_was_set_right_is_believed_after_eight_beats()
    {
        var skew = new ClockSkew();
        for (var i = 0; i < 30; i++) skew.Heard(5000, 0);
        for (var i = 0; i < 8; i++) skew.Heard(10, 0);
        Assert.Equal(TimeSpan.FromMilliseconds(10), skew.Estimate);
    }

    [Fact]
    public void No_stamp_a_peer_can_send_overflows() => Gen.Select(Gen.Long, Gen.Long).Sample((sent, now) =>
    {
        var skew = new ClockSkew();
        skew.Heard(sent, now);
        Assert.InRange(skew.Estimate, TimeSpan.FromDays(-365), TimeSpan.FromDays(365));
    });
}
