using System.Collections.Concurrent;
using Kv.TestSupport;

namespace Kv.Cluster.Tests;

public sealed class PowerLossTests(SixNodes six) : SixNodesTests(six)
{
    private const int Writers = 12;

    [Fact]
    public async Task Killing_every_node_under_load_loses_no_acknowledged_write()
    {
        var name = SixNodes.NewName("power");
        var before = await Six.Nodes[0].Client.KeyCountAsync();
        var acknowledged = new ConcurrentDictionary<string, string>();
        var attempted = new ConcurrentBag<string>();
        using var stop = new CancellationTokenSource();
        var writers = Enumerable.Range(0, Writers).Select(writer => WriteAsync(name, writer, attempted, acknowledged, stop.Token)).ToList();

        await Eventually.Async(() => Task.FromResult(acknowledged.Count >= 600), TimeSpan.FromSeconds(30), "600 writes are acknowledged");
        await Task.WhenAll(Six.Nodes.Select(node => node.Process.KillAsync()));
        await stop.CancelAsync();
        await Task.WhenAll(writers);

        await Task.WhenAll(Six.Nodes.Select(node => node.RestartAsync()));
        await Six.Cluster.UntilWholeAsync();
        // A write that was cut short on one replica may reach the others only now; from here on nothing changes any more.
        await Six.UntilEqualAsync();
        var present = 0L;
        foreach (var (key, i) in attempted.Select((key, i) => (key, i)))
        {
            var get = await Six.Nodes[i % 6].Client.GetAsync(key);
            if (acknowledged.TryGetValue(key, out var value))
            {
                Assert.True(get.Status == 200, $"{key} was acknowledged: {get}");
                Assert.Equal(value, get.RawValue);
            }

            // What was not acknowledged may be there or not, but all nodes must count it the same.
            Assert.True(get.Status is 200 or 404, get.ToString());
            if (get.Status == 200) present++;
        }

        foreach (var node in Six.Nodes) Assert.Equal(before + present, await node.Client.KeyCountAsync());
    }

    private async Task WriteAsync(string name, int writer, ConcurrentBag<string> attempted, ConcurrentDictionary<string, string> acknowledged, CancellationToken stop)
    {
        string? token = null;
        for (var i = 0; !stop.IsCancellationRequested; i++)
        {
            var (key, value) = ($"{name}-{writer}-{i}", $"\"{writer}/{i}\"");
            attempted.Add(key);
            if (await Six.Nodes[(writer + i) % 6].Client.TryAsync(c => c.PutAsync(key, value, token)) is not { Status: 201 } put) return;
            acknowledged[key] = value;
            token = put.Token;
        }
    }
}
