using Kv.Node.Membership;

namespace Kv.Node.Tests.Membership;

public class MembershipOptionsTests
{
    [Fact]
    public void The_defaults_are_valid_and_promise_less_than_three_seconds()
    {
        var options = new MembershipOptions();
        Assert.Empty(options.Validate());
        Assert.True(options.DetectionBound < TimeSpan.FromSeconds(2.7), options.DetectionBound.ToString());
    }

    [Fact]
    public void Every_error_is_reported_at_once()
    {
        var options = new MembershipOptions
        {
            HeartbeatInterval = TimeSpan.Zero,
            SuspicionThreshold = double.NaN,
            Window = 1,
            ProbeWitnesses = -1,
            ReconnectMax = TimeSpan.Zero,
            MailboxCapacity = 0,
        };
        Assert.True(options.Validate().Count() >= 6);
    }

    [Fact]
    public void A_witness_must_not_be_allowed_to_vouch_for_a_dead_node() =>
        Assert.Single(new MembershipOptions { ProbeFreshness = TimeSpan.FromSeconds(1.5) }.Validate());
}
