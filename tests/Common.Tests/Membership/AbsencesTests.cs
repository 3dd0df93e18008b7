using Kv.Common.Identity;
using Kv.Common.Membership;

namespace Kv.Common.Tests.Membership;

public sealed class AbsencesTests
{
    private static readonly NodeAddress One = NodeAddress.Parse("10.10.0.2:8080");
    private static readonly NodeAddress Other = NodeAddress.Parse("10.10.0.3:8080");

    private readonly Absences _absences = new();

    [Fact]
    public void Who_is_gone_for_longest_is_told_once_that_is_long_enough()
    {
        _absences.Look([Other], At(1));
        _absences.Look([One, Other], At(2));
        Assert.Null(_absences.Longest(TimeSpan.FromSeconds(3), At(3)));
        Assert.Equal(Other, _absences.Longest(TimeSpan.FromSeconds(3), At(4)));
        _absences.Forget(Other);
        Assert.Equal(One, _absences.Longest(TimeSpan.FromSeconds(3), At(5)));
    }

    [Fact]
    public void Who_was_back_in_between_is_counted_anew()
    {
        _absences.Look([One], At(1));
        _absences.Look([], At(2));
        _absences.Look([One], At(3));
        Assert.Null(_absences.Longest(TimeSpan.FromSeconds(3), At(5)));
        Assert.Equal(One, _absences.Longest(TimeSpan.FromSeconds(3), At(6)));
    }

    private static TimeSpan At(int seconds) => TimeSpan.FromSeconds(seconds);
}
