using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Signals;

namespace Kv.Node.Peers;

/// <summary>Keeps one loop running for each of a set of peers, as the topology changes that set.</summary>
internal static class PeerLoops
{
    /// <summary>Runs until cancelled; then, or when a loop fails, every loop has ended when the task completes.</summary>
    public static async Task RunAsync(
        Published<ClusterTopology> topology,
        Func<ClusterTopology, IEnumerable<NodeAddress>> peersOf,
        Func<NodeAddress, CancellationToken, Task> loop,
        CancellationToken cancellation)
    {
        using var all = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var running = new Dictionary<NodeAddress, (Task Loop, CancellationTokenSource Stop)>();
        try
        {
            while (true)
            {
                var view = topology.Current;
                var wanted = peersOf(view).ToHashSet();
                foreach (var gone in running.Keys.Where(peer => !wanted.Contains(peer)).ToList()) await StopAsync(running, gone);
                foreach (var peer in wanted.Where(peer => !running.ContainsKey(peer)).Order().ToList())
                {
                    var stop = CancellationTokenSource.CreateLinkedTokenSource(all.Token);
                    running[peer] = (loop(peer, stop.Token), stop);
                }

                var changed = topology.WaitAsync(next => !ReferenceEquals(next, view), all.Token).AsTask();
                var ended = await Task.WhenAny([changed, .. running.Values.Select(r => r.Loop)]);
                await ended;
                if (ended == changed) continue;
                // When the node stops, a loop may be seen to end before the wait above is.
                cancellation.ThrowIfCancellationRequested();
                throw new InvalidOperationException("A peer's loop ended although nobody stopped it.");
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
        finally
        {
            // All of them, whatever one of them ends in; that comes out last.
            all.Cancel();
            await Task.WhenAll(running.Keys.ToList().Select(peer => StopAsync(running, peer)));
        }
    }

    private static async Task StopAsync(Dictionary<NodeAddress, (Task Loop, CancellationTokenSource Stop)> running, NodeAddress peer)
    {
        var (loop, stop) = running[peer];
        running.Remove(peer);
        stop.Cancel();
        try
        {
            await loop;
        }
        catch (OperationCanceledException)
        {
        }

        stop.Dispose();
    }
}
