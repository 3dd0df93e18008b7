using System.Collections.Concurrent;
using Kv.TestSupport;

namespace Kv.Cluster.Tests;

/// <summary>SIGTERM is noticed by nobody who goes where readiness points.</summary>
[Collection(nameof(Alone))]
public sealed class DrainTests
{
    private static readonly TimeSpan EndBound = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_node_of_each_shard_in_turn_is_ended_and_started_again_and_no_request_to_a_ready_node_fails()
    {
        // Two replicas a shard: while one is away, every request for its shard depends on the other one.
        await using var cluster = await LocalCluster.StartAsync(nodes: 4, shards: 2);
        await cluster.UntilSealedAsync();
        using var clients = new ReadyClients(cluster.Nodes);
        foreach (var node in cluster.Nodes.Take(2))
        {
            var others = cluster.Nodes.Where(other => other != node).ToList();
            node.Process.Terminate();
            foreach (var other in others) await LocalCluster.UntilViewAsync(other, [.. others.Select(each => each.Address)], EndBound);
            Assert.Equal(0, await node.Process.ExitCodeAsync(EndBound));
            Assert.Contains("Drained", node.Process.Log, StringComparison.Ordinal);
            await node.RestartAsync();
            await cluster.UntilWholeAsync();
        }

        var served = await clients.StopAsync();
        Assert.Empty(clients.Failures);
        Assert.True(served > 100, $"{served} requests were served.");
    }

    [Fact]
    public async Task What_only_the_ending_node_holds_is_handed_over_first()
    {
        await using var cluster = await LocalCluster.StartAsync(nodes: 2, shards: 1, (_, _) => new Dictionary<string, string> { ["Drain__Grace"] = "00:00:00" });
        await cluster.UntilSealedAsync();
        string? token = null;
        cluster[1].Process.Pause();
        try
        {
            for (var i = 0; i < 20; i++) token = (await cluster[0].Client.PutAsync($"k{i}", "1", token, "?w=local")).Token;
            cluster[0].Process.Terminate();
            Assert.Equal(503, (await Eventually.Async(() => cluster[0].Client.GetPathAsync("/readyz"), answer => answer.Status == 503, EndBound, "it drains")).Status);
        }
        finally
        {
            cluster[1].Process.Resume();
        }

        Assert.Equal(0, await cluster[0].Process.ExitCodeAsync(EndBound));
        for (var i = 0; i < 20; i++) Assert.Equal(200, (await cluster[1].Client.GetAsync($"k{i}", token)).Status);
    }

    /// <summary>Sessions that read their writes, each request through a node that was ready when it was last looked, as behind a load balancer.</summary>
    private sealed class ReadyClients : IDisposable
    {
        private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);

        private readonly CancellationTokenSource _stop = new();
        private readonly ConcurrentDictionary<LocalNode, bool> _ready = new();
        private readonly Task _all;
        private int _served;

        public ReadyClients(IReadOnlyList<LocalNode> nodes)
        {
            foreach (var node in nodes) _ready[node] = true;
            _all = Task.WhenAll([.. nodes.Select(WatchAsync), .. Enumerable.Range(0, 4).Select(session => RunAsync(session, nodes))]);
        }

        public ConcurrentQueue<string> Failures { get; } = new();

        public async Task<int> StopAsync()
        {
            await _stop.CancelAsync();
            await _all;
            return _served;
        }

        public void Dispose() => _stop.Dispose();

        private async Task WatchAsync(LocalNode node)
        {
            while (!_stop.IsCancellationRequested)
            {
                _ready[node] = await node.Client.TryAsync(client => client.GetPathAsync("/readyz")) is { Status: 200 };
                await Task.Delay(Look);
            }
        }

        private async Task RunAsync(int session, IReadOnlyList<LocalNode> nodes)
        {
            string? token = null;
            for (var i = 0; !_stop.IsCancellationRequested; i++)
            {
                var ready = nodes.Where(node => _ready[node]).ToList();
                var (key, value) = ($"s{session}k{i % 50}", KvClient.Number(i));
                var (writer, reader) = (ready[(session + i) % ready.Count], ready[(session + i + 1) % ready.Count]);
                var put = await writer.Client.TryAsync(node => node.PutAsync(key, value, token));
                if (put is not { Status: 200 or 201 })
                {
                    Failures.Enqueue($"{DateTime.UtcNow:HH:mm:ss.fff} PUT {key} at {writer.Address}: {put}");
                    continue;
                }

                token = put.Token;
                // The reader may have begun to leave since; whoever balances load looks again before each request.
                if (!_ready[reader]) continue;
                var get = await reader.Client.TryAsync(node => node.GetAsync(key, token));
                if (get is not { Status: 200 } || get.RawValue != value) Failures.Enqueue($"{DateTime.UtcNow:HH:mm:ss.fff} GET {key} at {reader.Address}: {get}");
                else token = get.Token;
                Interlocked.Increment(ref _served);
                await Task.Delay(5);
            }
        }
    }
}
