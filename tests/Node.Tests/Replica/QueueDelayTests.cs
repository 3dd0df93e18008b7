using Kv.Node.Replica;
using Microsoft.Extensions.Time.Testing;

namespace Kv.Node.Tests.Replica;

public sealed class QueueDelayTests
{
    private static readonly TimeSpan Target = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly FakeTimeProvider _time = new();
    private readonly QueueDelay _delay;

    public QueueDelayTests() => _delay = new(Target, Interval, _time);

    [Fact]
    public void A_queue_stands_when_for_a_whole_interval_all_waited_longer_than_the_target()
    {
        TakeAfter(Target);
        _time.Advance(Interval - Target - TimeSpan.FromMilliseconds(1));
        TakeAfter(Target);
        Assert.False(_delay.IsStanding);
        TakeAfter(Target);
        Assert.True(_delay.IsStanding);
    }

    [Fact]
    public void One_that_waited_less_ends_it()
    {
        Stand();
        TakeAfter(Target - TimeSpan.FromMilliseconds(1));
        Assert.False(_delay.IsStanding);
        TakeAfter(Interval * 2);
        Assert.False(_delay.IsStanding);
    }

    [Fact]
    public void A_queue_that_was_emptied_does_not_stand_however_long_its_members_waited()
    {
        Stand();
        _delay.Emptied();
        Assert.False(_delay.IsStanding);
        for (var i = 0; i < 5; i++)
        {
            TakeAfter(Interval);
            _delay.Emptied();
            Assert.False(_delay.IsStanding);
        }
    }

    private void Stand()
    {
        TakeAfter(Target);
        TakeAfter(Interval);
        Assert.True(_delay.IsStanding);
    }

    private void TakeAfter(TimeSpan wait)
    {
        var since = _delay.Now;
        _time.Advance(wait);
        _delay.Taken(since);
    }
}
