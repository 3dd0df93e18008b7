using System.Collections.Concurrent;
using Xunit;

namespace Kv.Docker.Tests.Scenarios;

/// <summary>Nodes that are killed, and come back on their data.</summary>
public sealed class LostNodeTests(Cluster cluster) : ClusterScenario(cluster)
{
    private static readonly TimeSpan ViewBound = TimeSpan.FromSeconds(3);

    [Fact]
    public async Task A_killed_node_leaves_every_view_within_three_seconds_and_every_key_stays_readable_and_writable()
    {
        var keys = Enumerable.Range(0, 60).Select(i => $"kept-{i}-{Guid.NewGuid():N}").ToArray();
        var token = await WriteAsync(keys, "before", Nodes, "");

        var lost = Nodes[2];
        Node[] left = [.. Cluster.Without(lost)];
        await Cluster.KillAsync(lost);
        await Until.NoProblemAsync($"no view has {lost.Name}", ViewBound, () => Cluster.ProblemWithViewAsync(left, left));

        token = await ReadAsync(keys, "before", left, token);
        token = await WriteAsync(keys, "after", left, token);
        await ReadAsync(keys, "after", left, token);
    }

    [Fact]
    public async Task A_node_that_returns_is_in_every_view_within_three_seconds_of_its_readiness_and_has_what_it_missed()
    {
        var lost = Nodes[2];
        var shard = (await lost.GetAsync("/key-value-store-shard/node-shard-id")).Text("shard-id")!;
        Node[] left = [.. Cluster.Without(lost)];
        var keys = new string[20];
        for (var i = 0; i < keys.Length; i++)
        {
            keys[i] = await KeyInShardAsync(shard);
        }

        await Cluster.KillAsync(lost);
        await Until.NoProblemAsync($"no view has {lost.Name}", ViewBound, () => Cluster.ProblemWithViewAsync(left, left));
        var token = await WriteAsync(keys, "missed", left, "");

        await Cluster.StartAsync(lost);
        await Until.NoProblemAsync(
            $"{lost.Name} is ready", TimeSpan.FromSeconds(30), async () => await lost.TryGetAsync("/readyz") is { Status: 200 } ? null : "not yet");
        await Until.NoProblemAsync($"every view has {lost.Name}", ViewBound, () => Cluster.ProblemWithViewAsync(Nodes, Nodes));

        // With its shard's other replicas gone, what it answers is its own.
        await ReadAsync(keys, "missed", [lost], token);
        await Cluster.KillAsync((await Cluster.MembersAsync(shard)).Where(node => node != lost));
        await ReadAsync(keys, "missed", [lost], token);
    }

    [Fact]
    public async Task Killing_all_six_at_once_under_load_loses_no_acknowledged_write()
    {
        const int EnoughWrites = 300;
        var acknowledged = new ConcurrentBag<(string Key, string Token)>();
        var enough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var run = Guid.NewGuid().ToString("N");
        Task[] writers = [.. Nodes.Select(WriteUntilTheNodeIsGoneAsync)];

        var first = await Task.WhenAny(enough.Task, Task.WhenAll(writers)).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        Assert.True(first == enough.Task, $"the writers ended after {acknowledged.Count} writes, before any node was killed");
        await Cluster.KillAsync(Nodes);
        await Task.WhenAll(writers).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);

        await Cluster.BeUpAsync();
        var turn = 0;
        foreach (var (key, token) in acknowledged)
        {
            var read = await Nodes[turn++ % Nodes.Count].ReadAsync(key, token);
            Assert.True(read.Status == 200 && read.Text("value") == key, $"{key} was acknowledged: {read}");
        }

        async Task WriteUntilTheNodeIsGoneAsync(Node node)
        {
            var token = "";
            for (var i = 0; ; i++)
            {
                var key = $"{run}-{node.Number}-{i}";
                Answer answer;
                try
                {
                    answer = await node.PutAsync(key, key, token);
                }
                catch (HttpRequestException)
                {
                    return; // killed before it answered: not acknowledged
                }

                if (!answer.Accepted)
                {
                    return; // the others were killed first
                }

                token = answer.Token;
                acknowledged.Add((key, token));
                if (acknowledged.Count >= EnoughWrites)
                {
                    enough.TrySetResult();
                }
            }
        }
    }

    /// <summary>Writes the keys through the nodes in turn, each write with the token of the one before; returns the last token.</summary>
    private static async Task<string> WriteAsync(string[] keys, string value, IReadOnlyList<Node> nodes, string token)
    {
        for (var i = 0; i < keys.Length; i++)
        {
            var node = nodes[i % nodes.Count];
            var answer = await node.PutAsync(keys[i], value, token);
            Assert.True(answer.Accepted, $"write through {node.Name}: {answer}");
            token = answer.Token;
        }

        return token;
    }

    private static async Task<string> ReadAsync(string[] keys, string value, Node[] nodes, string token)
    {
        for (var i = 0; i < keys.Length; i++)
        {
            var node = nodes[(i + 1) % nodes.Length];
            var answer = await node.ReadAsync(keys[i], token);
            Assert.True(answer.Status == 200 && answer.Text("value") == value, $"read through {node.Name}, expecting {value}: {answer}");
            token = answer.Token;
        }

        return token;
    }
}
