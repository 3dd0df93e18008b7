using Kv.Node.Migration;
using Kv.Node.Tests.VirtualTime;

namespace Kv.Node.Tests.Migration;

public sealed class TransferBudgetTests
{
    private readonly VirtualClock _clock = new();

    [Fact]
    public void Pieces_of_all_transfers_together_leave_at_the_rate_that_is_allowed()
    {
        var budget = new TransferBudget(_clock.Time, new() { MaxBytesPerSecond = 1000 });
        var left = new List<TimeSpan>();
        var began = _clock.Time.GetTimestamp();
        for (var transfer = 0; transfer < 2; transfer++)
        {
            _ = _clock.NewProcess().Start(async () =>
            {
                for (var piece = 0; piece < 5; piece++)
                {
                    await budget.SpendAsync(500, CancellationToken.None);
                    left.Add(_clock.Time.GetElapsedTime(began));
                }
            });
        }

        _clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(10, left.Count);
        // Of what leaves up to a moment, all but the last piece was paid for by then.
        for (var i = 0; i < left.Count; i++) Assert.InRange(left[i], TimeSpan.FromSeconds(0.5 * i), TimeSpan.FromSeconds((0.5 * i) + 0.02));
    }

    [Fact]
    public void An_idle_time_is_not_saved_up()
    {
        var budget = new TransferBudget(_clock.Time, new() { MaxBytesPerSecond = 1000 });
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.True(budget.SpendAsync(2000, CancellationToken.None).IsCompleted);
        var next = _clock.NewProcess().Start(() => budget.SpendAsync(1, CancellationToken.None));
        _clock.Advance(TimeSpan.FromSeconds(1.9));
        Assert.False(next.IsCompleted);
        _clock.Advance(TimeSpan.FromSeconds(0.2));
        Assert.True(next.IsCompletedSuccessfully);
    }

    [Fact]
    public void Without_a_bound_nothing_waits()
    {
        var budget = new TransferBudget(_clock.Time, new());
        for (var i = 0; i < 10; i++) Assert.True(budget.SpendAsync(int.MaxValue, CancellationToken.None).IsCompletedSuccessfully);
    }

    [Fact]
    public async Task Who_is_cancelled_waits_no_longer()
    {
        var budget = new TransferBudget(_clock.Time, new() { MaxBytesPerSecond = 1 });
        await budget.SpendAsync(100, CancellationToken.None);
        using var stop = new CancellationTokenSource();
        var waiting = budget.SpendAsync(100, stop.Token);
        stop.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }
}
