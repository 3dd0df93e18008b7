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
        var before = await Nodes[0].KeyCountAsync();
        await Parallel.ForEachAsync(Enumerable.Range(0, Preloaded), new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, _) =>
            Assert.True((await Nodes[i % 6].PutAsync($"{run}-{i}", $"{i}", pooled: true)).Accepted));

        var seventh = new Node(7);
        var load = new Load(Nodes, run);
        try
        {
            // 1. It joins by itself: it has no SHARD_COUNT.
            await Cluster.JoinAsync(seventh);
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

        output.WriteLine($"Meanwhile: {load.TakeFigures()}");
        Assert.Empty(load.Failures);
        foreach (var (key, (value, token)) in load.Written)
        {
            var read = await Nodes[0].ReadAsync(key, token);
            Assert.True(read.Status == 200 && read.Text("value") == value, $"{key}: {read}");
        }

        Assert.Equal(Preloaded + load.Written.Count, await Nodes[3].KeyCountAsync() - before);
    }

    private static async Task SeenAsync(IEnumerable<Node> observers, IEnumerable<Node> members) =>
        await Until.NoProblemAsync("every node sees who is there", Bound, async () => await Cluster.ProblemWithViewAsync(observers, members));
}
