using Kv.Node.Observation;

namespace Kv.Node.Tests.Observation;

public sealed class RecentEventsTests
{
    private readonly RecentEvents _three = Enumerable.Range(1, 5).Aggregate(RecentEvents.None("a-1", 3), (events, i) => events.With(new(default, "kind", $"{i}")));

    [Fact]
    public void The_newest_are_kept_and_numbered_on() => Assert.Equal([("a-1-3", "3"), ("a-1-4", "4"), ("a-1-5", "5")], _three.After(0).Select(each => (each.Id, each.Event.Text)));

    [Fact]
    public void Whoever_comes_back_gets_what_came_after_its_last_one()
    {
        Assert.Equal(["a-1-5"], _three.After(_three.NumberOf("a-1-4")).Select(each => each.Id));
        Assert.Empty(_three.After(_three.NumberOf("a-1-5")));
        Assert.Equal(3, _three.After(_three.NumberOf("a-1-1")).Count());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("-")]
    [InlineData("5")]
    [InlineData("b-1-5")]
    [InlineData("a-1-")]
    [InlineData("a-1-6")]
    [InlineData("a-1-x")]
    [InlineData("a-1--5")]
    [InlineData("a-1-99999999999999999999")]
    public void An_id_that_is_none_of_this_process_has_seen_nothing(string? id) => Assert.Equal(0, _three.NumberOf(id));

    [Fact]
    public void Before_the_first_event_there_is_none() => Assert.Empty(RecentEvents.None("a", 3).After(0));
}
