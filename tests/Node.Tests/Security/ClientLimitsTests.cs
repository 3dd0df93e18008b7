using System.Net;
using Kv.Node.Security;
using Microsoft.Extensions.Time.Testing;

namespace Kv.Node.Tests.Security;

public sealed class ClientLimitsTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void A_client_has_its_burst_and_then_its_rate_and_others_have_theirs()
    {
        var limits = Limits(new() { RequestsPerSecond = 2, Burst = 5 });
        Assert.Equal(5, Served(limits, "alice", 100));
        Assert.Equal(5, Served(limits, "bob", 100));
        _time.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(5, Served(limits, "alice", 100));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(2, Served(limits, "alice", 100));
    }

    [Fact]
    public void Who_is_refused_is_told_when_it_is_worth_coming_back()
    {
        var limits = Limits(new() { RequestsPerSecond = 0.25, Burst = 1 });
        Assert.Equal(1, Served(limits, "alice", 1));
        Assert.Null(limits.TryEnter("alice", out var seconds));
        Assert.Equal(4, seconds);
        _time.Advance(TimeSpan.FromSeconds(seconds - 1));
        Assert.Equal(0, Served(limits, "alice", 1));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(1, Served(limits, "alice", 1));
    }

    [Fact]
    public void So_many_are_under_way_and_one_that_ends_makes_room_once()
    {
        var limits = Limits(new() { MaxConcurrent = 2 });
        using var first = limits.TryEnter("alice", out _);
        var second = limits.TryEnter("alice", out _);
        Assert.NotNull(second);
        Assert.Null(limits.TryEnter("alice", out _));
        Assert.Equal(1, Served(limits, "bob", 1));
        second.Dispose();
        second.Dispose();
        Assert.NotNull(limits.TryEnter("alice", out _));
        Assert.Null(limits.TryEnter("alice", out _));
    }

    [Fact]
    public void A_crowd_of_new_clients_takes_no_more_memory_and_shares_one_limit()
    {
        var limits = Limits(new() { RequestsPerSecond = 1, Burst = 10, MaxTracked = 100 });
        Assert.Equal(100, Enumerable.Range(0, 100).Sum(i => Served(limits, $"client {i}", 1)));
        Assert.Equal(10, Enumerable.Range(0, 100_000).Sum(i => Served(limits, $"stranger {i}", 1)));
        Assert.Equal(100, limits.Tracked);
        // Those who were there first have what they had.
        Assert.Equal(9, Served(limits, "client 0", 100));
    }

    [Fact]
    public void Who_has_been_idle_is_forgotten_for_a_newcomer_and_who_has_something_under_way_is_not()
    {
        var limits = Limits(new() { RequestsPerSecond = 1, Burst = 1, MaxConcurrent = 1, MaxTracked = 2 });
        using var busy = limits.TryEnter("busy", out _);
        Assert.Equal(1, Served(limits, "idle", 1));
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(1, Served(limits, "new", 1));
        Assert.Equal(2, limits.Tracked);
        Assert.Null(limits.TryEnter("busy", out _));
    }

    [Theory]
    [InlineData("10.0.0.1", "::ffff:10.0.0.1", true)]
    [InlineData("10.0.0.1", "10.0.0.2", false)]
    [InlineData("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true)]
    [InlineData("2001:db8:0:1::1", "2001:db8:0:2::1", false)]
    public void A_client_is_an_address_or_a_network_of_IPv6(string one, string other, bool isSame) =>
        Assert.Equal(isSame, ClientLimits.NameOf(IPAddress.Parse(one)) == ClientLimits.NameOf(IPAddress.Parse(other)));

    private ClientLimits Limits(ClientOptions options)
    {
        Assert.Empty(options.Validate());
        return new(options, _time);
    }

    private static int Served(ClientLimits limits, string name, int times)
    {
        var served = 0;
        for (var i = 0; i < times; i++)
        {
            using var place = limits.TryEnter(name, out _);
            if (place is not null) served++;
        }

        return served;
    }
}
