using System.Collections.Concurrent;
using Kv.TestSupport;

namespace Kv.Cluster.Tests;

/// <summary>Clients that hop from node to node, handing their token on, while a node dies and returns.</summary>
public sealed class SessionTests(SixNodes six) : SixNodesTests(six)
{
    private const int Sessions = 6;

    [Fact]
    public async Task Sessions_read_their_writes_and_never_go_back_while_a_node_dies_and_returns()
    {
        var name = SixNodes.NewName("session");
        var rounds = new ConcurrentDictionary<int, int>();
        using var stop = new CancellationTokenSource();
        var sessions = Enumerable.Range(0, Sessions).Select(number => RunAsync(name, number, rounds, stop.Token)).ToList();
        Task Rounds(int more)
        {
            var goal = rounds.Values.Sum() + more;
            return Eventually.Async(() => Task.FromResult(sessions.Any(s => s.IsFaulted) || rounds.Values.Sum() >= goal), TimeSpan.FromSeconds(40), "the sessions get on");
        }

        await Rounds(120);
        var lost = Six.Nodes[0];
        await lost.Process.KillAsync();
        await Rounds(240);
        await lost.RestartAsync();
        await Rounds(240);
        await stop.CancelAsync();
        await Task.WhenAll(sessions);
        await Six.Cluster.UntilWholeAsync();
    }

    private async Task RunAsync(string name, int number, ConcurrentDictionary<int, int> rounds, CancellationToken stop)
    {
        var random = new Random(number);
        var seen = new Dictionary<string, long>();
        var generation = 0;
        string? token = null;
        for (var i = 1L; !stop.IsCancellationRequested; i++)
        {
            // 1. Write the own counter through any node, and read it back through any other.
            var own = $"{name}-{number}-{generation}";
            var put = await AnyNode(random).Client.TryAsync(c => c.PutAsync(own, KvClient.Number(i), token));
            if (put is { Status: 200 or 201 })
            {
                token = put.Token;
                seen[own] = i;
                await ReadAsync(own);
                rounds.AddOrUpdate(number, 1, (_, count) => count + 1);
            }
            else
            {
                Assert.True(put is null or { Status: 503 }, put?.ToString());
                // Whether it was written is unknown, and so what its key may show from now on: begin another.
                generation++;
            }

            // 2. Read somebody else's.
            await ReadAsync($"{name}-{random.Next(Sessions)}-0");
        }

        async Task ReadAsync(string key)
        {
            var get = await AnyNode(random).Client.TryAsync(c => c.GetAsync(key, token));
            if (get is null or { Status: 503 }) return;
            var last = seen.GetValueOrDefault(key);
            Assert.True(get.Status == 200 || (get.Status == 404 && last == 0), $"{key} was at {last}, and now: {get}");
            token = get.Token;
            if (get.Status == 404) return;
            var value = long.Parse(get.RawValue, null);
            Assert.True(value >= last, $"{key} went back from {last} to {value}");
            seen[key] = value;
        }
    }

    private LocalNode AnyNode(Random random)
    {
        var running = Six.Nodes.Where(node => node.IsRunning).ToList();
        return running[random.Next(running.Count)];
    }
}
