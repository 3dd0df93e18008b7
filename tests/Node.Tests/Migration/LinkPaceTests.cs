using Kv.Node.Migration;

namespace Kv.Node.Tests.Migration;

public sealed class LinkPaceTests
{
    private readonly LinkPace _pace = new();

    [Fact]
    public void What_is_carried_at_once_is_doubled_up_to_the_most_that_is_given()
    {
        for (var i = 0; i < 10; i++) _pace.Took(TimeSpan.FromMilliseconds(5), isFull: true);
        Assert.Equal(TransferRequest.MostBytes, _pace.Bytes);
        Assert.False(_pace.IsNarrow);
    }

    [Fact]
    public void A_small_answer_says_nothing_of_what_more_would_take()
    {
        _pace.Took(TimeSpan.FromMilliseconds(5), isFull: false);
        Assert.Equal(LinkPace.Least, _pace.Bytes);
    }

    [Fact]
    public void What_is_carried_slowly_falls_to_what_is_carried_quickly()
    {
        for (var i = 0; i < 6; i++) _pace.Took(TimeSpan.FromMilliseconds(5), isFull: true);
        _pace.Took(TimeSpan.FromMilliseconds(201), isFull: true);
        Assert.InRange(_pace.Bytes, TransferRequest.MostBytes / 5, TransferRequest.MostBytes / 4);
        Assert.True(_pace.IsNarrow);
        _pace.Took(TimeSpan.FromSeconds(30), isFull: false);
        Assert.Equal(LinkPace.Least, _pace.Bytes);
        Assert.True(_pace.IsNarrow);
    }

    [Fact]
    public void A_link_that_carries_even_the_least_slowly_is_narrow()
    {
        Assert.True(_pace.Took(TimeSpan.FromMilliseconds(80), isFull: true));
        Assert.True(_pace.IsNarrow);
        Assert.Equal(LinkPace.Least, _pace.Bytes);
    }

    [Fact]
    public void In_between_it_stays_and_after_a_break_it_begins_with_the_least()
    {
        for (var i = 0; i < 3; i++) _pace.Took(TimeSpan.FromMilliseconds(5), isFull: true);
        Assert.False(_pace.Took(TimeSpan.FromMilliseconds(100), isFull: true));
        Assert.Equal(8 * LinkPace.Least, _pace.Bytes);
        Assert.False(_pace.IsNarrow);
        _pace.BrokeOff();
        Assert.Equal(LinkPace.Least, _pace.Bytes);
        Assert.True(_pace.IsNarrow);
    }

    [Fact]
    public void A_narrow_link_that_carries_something_at_once_after_a_rest_is_asked_for_more_by_steps()
    {
        _pace.Took(TimeSpan.FromSeconds(1), isFull: true);
        for (var i = 0; i < 4; i++) Assert.False(_pace.Took(TimeSpan.FromMilliseconds(5), isFull: true));
        Assert.True(_pace.IsNarrow);
        Assert.Equal(5 * LinkPace.Least, _pace.Bytes);
    }
}
