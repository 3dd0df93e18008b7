using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Peers;
using Kv.Node.Signals;

namespace Kv.Node.Tests.Peers;

public sealed class PeerLoopsTests
{
    private static readonly NodeAddress Anna = NodeAddress.Parse("10.10.0.2:8080");
    private static readonly NodeAddress Ben = NodeAddress.Parse("10.10.0.3:8080");

    private readonly Published<ClusterTopology> _topology = new(Genesis.Provisional([Anna, Ben], 1));

    [Fact]
    public async Task A_loop_that_is_seen_to_end_first_when_the_node_stops_has_not_failed()
    {
        using var stop = new CancellationTokenSource();
        var loop = new TaskCompletionSource();
        var running = PeerLoops.RunAsync(_topology, _ => (NodeAddress[])[Ben], (_, _) => loop.Task, stop.Token);
        // Registered last, so called first: the loop has ended before the wait for the next topology is cancelled.
        using var first = stop.Token.Register(loop.SetResult);
        stop.Cancel();
        await running;
    }

    [Fact]
    public async Task A_loop_that_ends_although_nobody_stopped_it_is_a_failure()
    {
        var running = PeerLoops.RunAsync(_topology, _ => (NodeAddress[])[Ben], (_, _) => Task.CompletedTask, CancellationToken.None);
        await Assert.ThrowsAsync<InvalidOperationException>(() => running);
    }

    [Fact]
    public async Task When_what_a_loop_depends_on_changes_it_has_ended_before_another_one_begins()
    {
        using var stop = new CancellationTokenSource();
        var (next, began, running) = (1, new List<int>(), 0);
        var loops = PeerLoops.RunAsync(
            _topology,
            _ => (int[])[next],
            async (number, cancellation) =>
            {
                Assert.Equal(0, running++);
                began.Add(number);
                try
                {
                    await Task.Delay(Timeout.Infinite, cancellation);
                }
                finally
                {
                    await Task.Yield();
                    running--;
                }
            },
            stop.Token);
        next = 2;
        _topology.Publish(Genesis.Provisional([Anna, Ben], 2));
        await WaitAsync(() => began.Count == 2);
        Assert.Equal([1, 2], began);
        stop.Cancel();
        await loops;
        Assert.Equal(0, running);

        static async Task WaitAsync(Func<bool> reached)
        {
            while (!reached()) await Task.Yield();
        }
    }
}
