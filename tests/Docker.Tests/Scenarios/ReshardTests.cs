using System.Diagnostics;
using System.Text.Json;
using Kv.Docker.Tests.Scripts;
using Xunit;

namespace Kv.Docker.Tests.Scenarios;

/// <summary>A cluster grows by a node and a shard and shrinks again, a node dies on the way, and clients notice nothing of it.</summary>
public sealed class ReshardTests(Cluster cluster, ITestOutputHelper output) : ClusterScenario(cluster)
{
    private const int Preloaded = 4000;

    // What is promised of a reshard whose node that was asked dies.
    private static readonly TimeSpan EndBound = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Two_shards_become_three_and_two_again_while_a_node_dies_without_a_failed_request_or_a_lost_write()
    {
        var run = Guid.NewGuid().ToString("N")[..8];
        var before = await Nodes[0].KeyCountAsync();
        var watch = Stopwatch.StartNew();
        await ForEachKeyAsync(async i => Assert.True((await Nodes[i % 6].PutAsync($"{run}-{i}", $"{i}", pooled: true)).Accepted));
        output.WriteLine($"{Preloaded} keys written in {watch.Elapsed.TotalSeconds:F1} s");

        var seventh = new Node(7);
        Node[] all = [.. Nodes, seventh];
        var load = new Load(Nodes, run);
        try
        {
            // 1. A node more.
            await Cluster.JoinAsync(seventh);
            await SeenAsync(all, all);
            Assert.Equal(404, (await seventh.GetAsync("/key-value-store-shard/node-shard-id")).Status);
            load.TakeFigures();
            await DoAsync("add-member", load, () => Nodes[1].SendAsync(HttpMethod.Put, "/key-value-store-shard/add-member/1", seventh.Address));

            // 2. A shard more.
            await DoAsync("reshard 2 -> 3", load, () => Nodes[3].ReshardAsync(3), observer: Nodes[0]);
            await ShardsAsync(all, "0,1,2");

            // 3. A shard less, and the node that was asked dies while it is under way.
            var asked = Nodes[2];
            Node[] left = [.. all.Except([asked])];
            load.Expect(asked);
            watch.Restart();
            var answer = TryReshardAsync(asked, 2);
            var moved = KeysMovedAsync(left[0]);
            await Until.NoProblemAsync("keys are moving", Bound, async () =>
                await left[^1].ReshardStatusAsync() is var status && (status.Text("stage") == "transferring" && status.Number("keys-moved") > 0 || answer.IsCompleted) ? null : status.ToString());
            var killedAfter = watch.Elapsed;
            await Cluster.KillAsync(asked);
            watch.Restart();
            await Until.NoProblemAsync("the others have ended the reshard", EndBound, () => ProblemWithEndAsync(left));
            var ended = await left[0].ReshardStatusAsync();
            var keysMoved = await moved;
            output.WriteLine(
                $"reshard 3 -> 2: {asked.Name} was asked, and killed {killedAfter.TotalSeconds:F2} s later (it had answered: {await answer}); over {watch.Elapsed.TotalSeconds:F2} s after that, at least {keysMoved} keys moved: {ended}; {load.TakeFigures()}");
            if (ended.Body.Contains("\"cancelled\"", StringComparison.Ordinal)) await DoAsync("reshard 3 -> 2, again", load, () => Nodes[3].ReshardAsync(2), observer: Nodes[0]);
            await ShardsAsync(left, "0,1");

            // 4. It comes back into a shard that it may never have heard of.
            watch.Restart();
            await Cluster.StartAsync(asked);
            await SeenAsync(all, all);
            await Until.NoProblemAsync($"{asked.Name} serves a shard", Bound, async () => await asked.TryGetAsync("/key-value-store-shard/node-shard-id") is { Status: 200 } ? null : "not yet");
            output.WriteLine($"{asked.Name} was back and served {watch.Elapsed.TotalSeconds:F2} s after its start; {load.TakeFigures()}");

            // 5. A node less, and the rest dealt evenly.
            await DoAsync("DELETE view", load, () => Nodes[1].SendAsync(HttpMethod.Delete, "/key-value-store-view", seventh.Address));
            await SeenAsync(Nodes, Nodes);
            await DoAsync("reshard 2 -> 2", load, () => Nodes[4].ReshardAsync(2));
            foreach (var shard in (string[])["0", "1"]) Assert.Equal(3, (await Cluster.MembersAsync(shard)).Count);
        }
        finally
        {
            await load.StopAsync();
            await Shell.DockerAsync(["rm", "--force", "--volumes", seventh.Name]);
        }

        Assert.Empty(load.Failures);
        watch.Restart();
        await ForEachKeyAsync(async i => await ReadsAsync(Nodes[(i + 1) % 6], $"{run}-{i}", $"{i}", ""));
        foreach (var (key, (value, token)) in load.Written) await ReadsAsync(Nodes[0], key, value, token);
        output.WriteLine($"{Preloaded + load.Written.Count} keys read in {watch.Elapsed.TotalSeconds:F1} s");

        // Writes that were lost with the node may be there, or not; all others are counted, once.
        var counts = await Task.WhenAll(Nodes.Select(node => node.KeyCountAsync()));
        Assert.Single(counts.Distinct());
        Assert.InRange(counts[0] - before, Preloaded + load.Written.Count, Preloaded + load.Written.Count + load.Unknown);
    }

    private async Task DoAsync(string what, Load load, Func<Task<Answer>> change, Node? observer = null)
    {
        var watch = Stopwatch.StartNew();
        var changed = change();
        var moved = observer is null ? "" : $", at least {await KeysMovedAsync(observer)} keys moved";
        var answer = await changed;
        Assert.True(answer.Status == 200, $"{what}: {answer}");
        output.WriteLine($"{what}: {watch.Elapsed.TotalSeconds:F2} s{moved}, {load.TakeFigures()}");
    }

    // What the node last said of the reshard that is about to begin, until it is over.
    private static async Task<long> KeysMovedAsync(Node observer)
    {
        var before = (await observer.ReshardStatusAsync()).Body;
        var most = 0L;
        await Until.NoProblemAsync("the reshard has begun and is over", Bound, async () =>
        {
            var status = await observer.ReshardStatusAsync();
            if (status.Text("stage") == "none") return status.Body == before ? "it has not begun" : null;
            most = Math.Max(most, status.Number("keys-moved"));
            return status.ToString();
        });
        return most;
    }

    // Null when the node died before it answered.
    private static async Task<Answer?> TryReshardAsync(Node node, int shards)
    {
        try
        {
            return await node.ReshardAsync(shards);
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    private static async Task<string?> ProblemWithEndAsync(IEnumerable<Node> nodes)
    {
        var said = new HashSet<string>();
        foreach (var node in nodes)
        {
            var status = await node.ReshardStatusAsync();
            if (status.Text("stage") != "none") return $"{node.Name}: {status}";
            // What was moved, and how long it took, each tells as it saw it.
            var last = JsonDocument.Parse(status.Body).RootElement.GetProperty("last");
            said.Add($"{last.GetProperty("reshard-id")} {last.GetProperty("end")} {await node.GetAsync("/key-value-store-shard/shard-ids")}");
        }

        return said.Count == 1 ? null : string.Join(" | ", said);
    }

    private static async Task ShardsAsync(IEnumerable<Node> nodes, string ids)
    {
        foreach (var node in nodes) Assert.Equal(ids, (await node.GetAsync("/key-value-store-shard/shard-ids")).Text("shard-ids"));
    }

    private static async Task ReadsAsync(Node node, string key, string value, string token)
    {
        var read = await node.ReadAsync(key, token, pooled: true);
        Assert.True(read.Status == 200 && read.Text("value") == value, $"{key} through {node.Name}: {read}");
    }

    private static Task ForEachKeyAsync(Func<int, Task> act) =>
        Parallel.ForEachAsync(Enumerable.Range(0, Preloaded), new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, _) => await act(i));

    private static async Task SeenAsync(IEnumerable<Node> observers, IEnumerable<Node> members) =>
        await Until.NoProblemAsync("every node sees who is there", Bound, async () => await Cluster.ProblemWithViewAsync(observers, members));
}
