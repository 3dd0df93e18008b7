using Kv.Node.Signals;
using Microsoft.Extensions.Time.Testing;

namespace Kv.Node.Tests.Signals;

public sealed class ReclaimableSlotsTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly FakeTimeProvider _time = new();
    private readonly List<string> _reclaimed = [];
    private readonly ReclaimableSlots _slots;

    public ReclaimableSlotsTests() => _slots = new(2, Patience, _time);

    [Fact]
    public void Who_waits_longest_makes_room_for_a_newcomer()
    {
        Enter("a");
        _time.Advance(Patience);
        Enter("b");
        Assert.NotNull(Enter("c"));
        Assert.Equal(["a"], _reclaimed);
        Assert.Equal(2, _slots.Used);
    }

    [Fact]
    public void Nobody_is_ended_before_the_patience_is_over_and_the_newcomer_is_refused()
    {
        Enter("a");
        Enter("b");
        _time.Advance(Patience - TimeSpan.FromMilliseconds(1));
        Assert.Null(Enter("c"));
        Assert.Empty(_reclaimed);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.NotNull(Enter("c"));
    }

    [Fact]
    public void Who_is_at_work_is_never_ended_and_waits_anew_afterwards()
    {
        var a = Enter("a")!;
        a.BeginWork();
        a.BeginWork();
        Enter("b")!.BeginWork();
        _time.Advance(Patience * 10);
        Assert.Null(Enter("c"));
        a.EndWork();
        Assert.Null(Enter("c"));
        a.EndWork();
        Assert.Null(Enter("c"));
        _time.Advance(Patience);
        Assert.NotNull(Enter("c"));
        Assert.Equal(["a"], _reclaimed);
    }

    [Fact]
    public void Who_left_has_left_once_however_it_came_about()
    {
        var a = Enter("a")!;
        var b = Enter("b")!;
        b.Dispose();
        b.Dispose();
        Assert.Equal(1, _slots.Used);
        Enter("c");
        _time.Advance(Patience);
        Enter("d");
        // Its end comes about only now, and with a request that had begun meanwhile.
        a.BeginWork();
        a.EndWork();
        a.Dispose();
        Assert.Equal(["a"], _reclaimed);
        Assert.Equal(2, _slots.Used);
        _time.Advance(Patience);
        Enter("e");
        Enter("f");
        Assert.Equal(["a", "c", "d"], _reclaimed);
    }

    private ReclaimableSlots.Slot? Enter(string name) => _slots.TryEnter(() => _reclaimed.Add(name));
}
