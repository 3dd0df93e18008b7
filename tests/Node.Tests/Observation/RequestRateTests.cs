using Kv.Node.Telemetry;
using Microsoft.Extensions.Time.Testing;

namespace Kv.Node.Tests.Observation;

public sealed class RequestRateTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void The_rate_is_of_the_last_whole_stretch_however_often_it_is_asked_for()
    {
        var rate = new RequestRate(_time);
        Answer(rate, 30);
        Assert.Equal(0, rate.PerSecond());
        _time.Advance(TimeSpan.FromSeconds(1.5));
        Assert.Equal(20, rate.PerSecond());
        Answer(rate, 500);
        _time.Advance(TimeSpan.FromSeconds(0.9));
        Assert.Equal(20, rate.PerSecond());
        _time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Equal(500, rate.PerSecond());
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(0, rate.PerSecond());
    }

    private static void Answer(RequestRate rate, int times)
    {
        for (var i = 0; i < times; i++) rate.Answered();
    }
}
