using Kv.Node.Migration;
using Kv.Node.Replica;
using Kv.Node.Tests.VirtualTime;

namespace Kv.Node.Tests.Migration;

public sealed class TransferBudgetTests
{
    private readonly VirtualClock _clock = new();
    private readonly ClientActivity _clients;

    public TransferBudgetTests() => _clients = new(_clock.Time);

    [Fact]
    public void Pieces_of_all_transfers_together_leave_at_the_rate_that_is_allowed()
    {
        var budget = BudgetOf(new() { MaxBytesPerSecond = 1000 });
        var left = new List<TimeSpan>();
        var began = _clock.Time.GetTimestamp();
        for (var transfer = 0; transfer < 2; transfer++)
        {
            _ = _clock.NewProcess().Start(async () =>
            {
                for (var piece = 0; piece < 5; piece++)
                {
                    await budget.SpendBytesAsync(500, CancellationToken.None);
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
        var budget = BudgetOf(new() { MaxBytesPerSecond = 1000 });
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.True(budget.SpendBytesAsync(2000, CancellationToken.None).IsCompleted);
        var next = _clock.NewProcess().Start(() => budget.SpendBytesAsync(1, CancellationToken.None));
        _clock.Advance(TimeSpan.FromSeconds(1.9));
        Assert.False(next.IsCompleted);
        _clock.Advance(TimeSpan.FromSeconds(0.2));
        Assert.True(next.IsCompletedSuccessfully);
    }

    [Fact]
    public void Without_a_bound_nothing_waits()
    {
        var budget = BudgetOf(new());
        for (var i = 0; i < 10; i++) Assert.True(budget.SpendBytesAsync(int.MaxValue, CancellationToken.None).IsCompletedSuccessfully);
    }

    [Fact]
    public async Task Who_is_cancelled_waits_no_longer()
    {
        var budget = BudgetOf(new() { MaxBytesPerSecond = 1 });
        await budget.SpendBytesAsync(100, CancellationToken.None);
        using var stop = new CancellationTokenSource();
        var waiting = budget.SpendBytesAsync(100, stop.Token);
        stop.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }

    [Fact]
    public void While_clients_are_served_all_transfers_together_work_their_share_of_the_time()
    {
        var budget = BudgetOf(new() { ShareUnderLoad = 0.25 });
        var worked = 0;
        for (var transfer = 0; transfer < 3; transfer++)
        {
            _ = _clock.NewProcess().Start(async () =>
            {
                while (true)
                {
                    _clients.Serve();
                    worked++;
                    await budget.RestAsync(TimeSpan.FromMilliseconds(10), CancellationToken.None);
                }
            });
        }

        _clock.Advance(TimeSpan.FromSeconds(30));
        // Three quarters of it are rest, 30 ms for each 10 ms.
        Assert.InRange(worked, 990, 1010);
    }

    [Fact]
    public void Where_no_client_is_served_nothing_rests()
    {
        var budget = BudgetOf(new());
        Assert.True(RestIsOver(budget));
        _clients.Serve();
        Assert.False(RestIsOver(budget));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(RestIsOver(budget));
    }

    [Fact]
    public void A_share_of_one_is_no_bound()
    {
        _clients.Serve();
        Assert.True(RestIsOver(BudgetOf(new() { ShareUnderLoad = 1 })));
    }

    [Fact]
    public void Work_that_was_held_up_is_not_rested_from_for_longer_than_a_second()
    {
        var budget = BudgetOf(new() { ShareUnderLoad = 0.01 });
        _clients.Serve();
        var rest = _clock.NewProcess().Start(() => budget.RestAsync(TimeSpan.FromMinutes(1), CancellationToken.None));
        _clock.Advance(TimeSpan.FromSeconds(1.01));
        Assert.True(rest.IsCompletedSuccessfully);
    }

    private static bool RestIsOver(TransferBudget budget) => budget.RestAsync(TimeSpan.FromMilliseconds(10), CancellationToken.None).IsCompletedSuccessfully;

    private TransferBudget BudgetOf(MigrationOptions options) => new(_clock.Time, _clients, options);
}
