using System.Collections.Concurrent;
using System.Diagnostics;
using Kv.Docker.Tests.Scripts;
using Xunit;

namespace Kv.Docker.Tests.Scenarios;

/// <summary>A seventh container joins the six, serves a shard and is let go, all of it under load.</summary>
public sealed class GrowingTests(Cluster cluster, ITestOutputHelper output) : ClusterScenario(cluster)
{
    private const int Preloaded = 5000;
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_new_node_joins_gets_a_shard_and_is_let_go_without_a_failed_request_or_a_lost_write()
    {
        var run = Guid.NewGuid().ToString("N")[..8];
        var before = await KeyCountAsync(Nodes[0]);
        await Parallel.ForEachAsync(Enumerable.Range(0, Preloaded), new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, _) =>
            Assert.True((await Nodes[i % 6].PutAsync($"{run}-{i}", $"{i}")).Accepted));

        var seventh = new Node(7);
        var load = new Load(Nodes, run);
        try
        {
            // 1. It joins by itself: it has no SHARD_COUNT.
            await Shell.DockerAsync(
            [
                "run", "--detach", "--name", seventh.Name, "--network", "mynet", "--ip", seventh.Ip, "--publish", $"127.0.0.1:{Cluster.RestPort(7)}:8080",
                "--env", $"SOCKET_ADDRESS={seventh.Address}", "--env", $"VIEW={string.Join(',', Nodes.Append(seventh).Select(node => node.Address))}", "kvs-image",
            ]);
            await SeenAsync(Nodes.Append(seventh), Nodes.Append(seventh));
            Assert.Equal(404, (await seventh.GetAsync("/key-value-store-shard/node-shard-id")).Status);

            // 2. It gets a shard.
            var watch = Stopwatch.StartNew();
            var added = await Nodes[1].SendAsync(HttpMethod.Put, "/key-value-store-shard/add-member/0", seventh.Address);
            Assert.True(added.Status == 200, added.ToString());
            output.WriteLine($"add-member of a replica with about {(before + Preloaded) / 2} keys under load: {watch.Elapsed.TotalSeconds:F2} s");
            Assert.Equal("0", (await seventh.GetAsync("/key-value-store-shard/node-shard-id")).Text("shard-id"));

            // 3. It is let go, and so is whatever comes in its place.
            watch.Restart();
            var removed = await Nodes[2].SendAsync(HttpMethod.Delete, "/key-value-store-view", seventh.Address);
            Assert.True(removed.Status == 200, removed.ToString());
            output.WriteLine($"DELETE view: {watch.Elapsed.TotalSeconds:F2} s");
            await SeenAsync(Nodes, Nodes);
        }
        finally
        {
            await load.StopAsync();
            await Shell.DockerAsync(["rm", "--force", "--volumes", seventh.Name]);
        }

        output.WriteLine($"{load.Requests} requests meanwhile, the longest took {load.Longest.TotalMilliseconds:F0} ms, {load.Failures.Count} failed");
        Assert.Empty(load.Failures);
        foreach (var (key, (value, token)) in load.Written)
        {
            var read = await Nodes[0].ReadAsync(key, token);
            Assert.True(read.Status == 200 && read.Text("value") == value, $"{key}: {read}");
        }

        Assert.Equal(Preloaded + load.Written.Count, await KeyCountAsync(Nodes[3]) - before);
    }

    private static async Task SeenAsync(IEnumerable<Node> observers, IEnumerable<Node> members) =>
        await Until.NoProblemAsync("every node sees who is there", Bound, async () => await Cluster.ProblemWithViewAsync(observers, members));

    private static async Task<long> KeyCountAsync(Node node)
    {
        var sum = 0L;
        foreach (var shard in (string[])["0", "1"]) sum += (await node.GetAsync($"/key-value-store-shard/shard-id-key-count/{shard}")).Number("shard-id-key-count");
        return sum;
    }

    /// <summary>One session per node, which goes from node to node with its token.</summary>
    private sealed class Load
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _sessions;
        private long _requests;
        private long _longest;

        public Load(IReadOnlyList<Node> nodes, string run) => _sessions = Task.WhenAll(nodes.Select((_, session) => RunAsync(nodes, run, session)));

        public ConcurrentQueue<string> Failures { get; } = new();

        public ConcurrentDictionary<string, (string Value, string Token)> Written { get; } = new();

        public long Requests => _requests;

        public TimeSpan Longest => TimeSpan.FromTicks(_longest);

        public async Task StopAsync()
        {
            await _stop.CancelAsync();
            await _sessions;
            _stop.Dispose();
        }

        private async Task RunAsync(IReadOnlyList<Node> nodes, string run, int session)
        {
            var token = "";
            for (var i = 0; !_stop.IsCancellationRequested; i++)
            {
                var key = $"{run}-load-{session}-{i % 100}";
                var put = await TimedAsync(nodes[(session + i) % nodes.Count].PutAsync(key, $"{i}", token));
                if (put.Accepted) Written[key] = ($"{i}", token = put.Token);
                else Failures.Enqueue($"PUT {key}: {put}");
                var read = await TimedAsync(nodes[(session + i + 1) % nodes.Count].ReadAsync(key, token));
                if (read.Status == 200 && read.Text("value") == $"{i}") token = read.Token;
                else Failures.Enqueue($"GET {key}: {read}");
            }
        }

        private async Task<Answer> TimedAsync(Task<Answer> request)
        {
            var watch = Stopwatch.StartNew();
            var answer = await request;
            Interlocked.Increment(ref _requests);
            var took = watch.Elapsed.Ticks;
            for (var known = Volatile.Read(ref _longest); took > known; known = Volatile.Read(ref _longest))
            {
                if (Interlocked.CompareExchange(ref _longest, took, known) == known) break;
            }

            return answer;
        }
    }
}
