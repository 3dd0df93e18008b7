using Kv.Common.Identity;
using Kv.Node.Peers;

namespace Kv.Node.Tests.Peers;

public class InMemoryPeerStreamTests
{
    private static readonly NodeAddress A = NodeAddress.Parse("10.10.0.2:8080");
    private static readonly NodeAddress B = NodeAddress.Parse("10.10.0.3:8080");

    private readonly InMemoryPeerStream<string, object> _near;
    private readonly InMemoryPeerStream<object, string> _far;

    public InMemoryPeerStreamTests() => (_near, _far) = InMemoryPeerStream<string, object>.CreatePair(A, B, capacity: 2);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Messages_arrive_in_order_and_the_end_after_them()
    {
        await _near.SendAsync("one", Cancellation);
        await _near.SendAsync("two", Cancellation);
        await _near.DisposeAsync();
        Assert.Equal("one", await _far.ReceiveAsync(Cancellation));
        Assert.Equal("two", await _far.ReceiveAsync(Cancellation));
        Assert.Null(await _far.ReceiveAsync(Cancellation));
    }

    [Fact]
    public async Task A_sender_waits_for_a_receiver_that_does_not_keep_up()
    {
        await _near.SendAsync("one", Cancellation);
        await _near.SendAsync("two", Cancellation);
        var third = _near.SendAsync("three", Cancellation);
        Assert.False(third.IsCompleted);
        await _far.ReceiveAsync(Cancellation);
        await third;
    }

    [Fact]
    public async Task Nothing_can_be_sent_to_a_peer_that_ended_the_stream()
    {
        await _far.DisposeAsync();
        var gone = await Assert.ThrowsAsync<PeerUnavailableException>(async () => await _near.SendAsync("one", Cancellation));
        Assert.Equal(B, gone.Peer);
    }

    [Fact]
    public async Task A_break_loses_what_was_under_way_and_wakes_who_waits()
    {
        var waiting = _near.ReceiveAsync(Cancellation).AsTask();
        await _near.SendAsync("one", Cancellation);
        _far.Break();
        await Assert.ThrowsAsync<PeerUnavailableException>(() => waiting);
        await Assert.ThrowsAsync<PeerUnavailableException>(async () => await _far.ReceiveAsync(Cancellation));
        await Assert.ThrowsAsync<PeerUnavailableException>(async () => await _far.SendAsync(new(), Cancellation));
    }

    [Fact]
    public async Task Waiting_can_be_cancelled_and_the_stream_goes_on()
    {
        using var stop = new CancellationTokenSource();
        var waiting = _far.ReceiveAsync(stop.Token).AsTask();
        stop.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        await _near.SendAsync("one", Cancellation);
        Assert.Equal("one", await _far.ReceiveAsync(Cancellation));
    }
}
