using Kv.Common.Identity;
using Kv.Node.Requests;
using Kv.Node.Telemetry;

namespace Kv.Node.Tests.Requests;

public sealed class RequestBudgetTests : IDisposable
{
    private readonly RequestOptions _options = new() { MaxReads = 2, MaxWrites = 2, MaxWaiting = 1, MaxWriteBytes = 100, MaxBatches = 2 };
    private readonly KvMetrics _metrics = new();
    private readonly RequestBudget _budget;

    public RequestBudgetTests() => _budget = new(_options, _metrics);

    public void Dispose() => _metrics.Dispose();

    [Fact]
    public void Reads_and_writes_and_what_peers_forward_take_no_places_from_each_other()
    {
        Fill(_budget.TryRead);
        Assert.False(_budget.HasRoom(isRead: true));
        Assert.True(_budget.HasRoom(isRead: false));
        Fill(() => _budget.TryWrite(1));
        Assert.False(_budget.HasRoom(isRead: false));
        Fill(() => _budget.TryServe(Forwarded(ForwardedOperation.Get, 0)));
        Fill(() => _budget.TryServe(Forwarded(ForwardedOperation.Delete, 0)));
        Assert.Equal(4, _budget.UnderWay);
    }

    [Fact]
    public void Batches_have_places_of_their_own_and_their_bodies_count_with_those_of_writes()
    {
        Fill(() => _budget.TryBatch(30));
        Assert.Equal(2, _budget.UnderWay);
        Assert.True(_budget.TryRead().IsHeld);
        Assert.False(_budget.TryWrite(41).IsHeld);
        Assert.True(_budget.TryWrite(40).IsHeld);
    }

    [Fact]
    public void A_place_that_is_given_back_is_free()
    {
        using (_budget.TryRead())
        using (_budget.TryRead()) Assert.False(_budget.TryRead().IsHeld);
        Fill(_budget.TryRead);
    }

    [Fact]
    public void Bodies_are_bounded_together_and_one_that_finds_no_room_takes_no_place()
    {
        var first = _budget.TryWrite(60);
        Assert.True(first.IsHeld);
        Assert.False(_budget.TryWrite(41).IsHeld);
        Assert.True(_budget.TryWrite(40).IsHeld);
        first.Dispose();
        Assert.True(_budget.TryWrite(60).IsHeld);
        Assert.False(_budget.TryServe(Forwarded(ForwardedOperation.Put, 101)).IsHeld);
        Assert.True(_budget.TryServe(Forwarded(ForwardedOperation.Put, 100)).IsHeld);
    }

    [Fact]
    public void Only_so_many_wait_and_the_others_are_not_kept_out()
    {
        using var waiting = _budget.TryWait();
        Assert.True(waiting.IsHeld);
        Assert.False(_budget.TryWait().IsHeld);
        Assert.True(_budget.TryRead().IsHeld);
    }

    private static void Fill(Func<Place> take)
    {
        Assert.True(take().IsHeld);
        Assert.True(take().IsHeld);
        Assert.False(take().IsHeld);
    }

    private static ForwardRequest Forwarded(ForwardedOperation operation, int bytes) =>
        new(1, default, operation, new Key("k"), new byte[bytes], default, WriteConcernLevel.Default, TimeSpan.FromSeconds(1), new(0));
}
