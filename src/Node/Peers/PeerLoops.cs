using Kv.Common.Topology;
using Kv.Node.Signals;

namespace Kv.Node.Peers;

/// <summary>Keeps one loop running for each of a set of peers, as the topology changes that set.</summary>
internal static class PeerLoops
{
    /// <summary>
    /// Runs until cancelled; then, or when a loop fails, every loop has ended when the task completes. <typeparamref name="TPeer"/> is an address, or one with
    /// whatever else a loop depends on: when that changes, the loop is ended and another one begun.
    /// </summary>
    public static async Task RunAsync<TPeer>(
        Published<ClusterTopology> topology,
        Func<ClusterTopology, IEnumerable<TPeer>> peersOf,
        Func<TPeer, CancellationToken, Task> loop,
        CancellationToken cancellation)
        where TPeer : notnull
    {
        using var all = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var running = new Dictionary<TPeer, (Task Loop, CancellationTokenSource Stop)>();
        try
        {
            while (true)
            {
                var view = topology.Current;
                var wanted = peersOf(view).ToList();
                foreach (var gone in running.Keys.Where(peer => !wanted.Contains(peer)).ToList()) await StopAsync(running, gone);
                foreach (var peer in wanted.Where(peer => !running.ContainsKey(peer)))
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

    private static async Task StopAsync<TPeer>(Dictionary<TPeer, (Task Loop, CancellationTokenSource Stop)> running, TPeer peer)
        where TPeer : notnull
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
