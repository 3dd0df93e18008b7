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
        var running = PeerLoops.RunAsync(_topology, _ => [Ben], (_, _) => loop.Task, stop.Token);
        // Registered last, so called first: the loop has ended before the wait for the next topology is cancelled.
        using var first = stop.Token.Register(loop.SetResult);
        stop.Cancel();
        await running;
    }

    [Fact]
    public async Task A_loop_that_ends_although_nobody_stopped_it_is_a_failure()
    {
        var running = PeerLoops.RunAsync(_topology, _ => [Ben], (_, _) => Task.CompletedTask, CancellationToken.None);
        await Assert.ThrowsAsync<InvalidOperationException>(() => running);
    }
}
