using Kv.TestSupport;
using Microsoft.Playwright;

namespace Kv.Console.Tests;

/// <summary>Six nodes in two shards whose reshards take some seconds, and a browser; shared. Neither is started where there is no browser.</summary>
public sealed class Browsed : IAsyncLifetime
{
    /// <summary>A key that was written by one who had seen others.</summary>
    public const string Effect = "shade";

    private const int Preloaded = 160;

    private static readonly Dictionary<string, string> Slow = new() { ["Migration__MaxBytesPerSecond"] = "15000" };

    private LocalCluster? _cluster;
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public LocalCluster Cluster => _cluster!;

    public IReadOnlyList<LocalNode> Nodes => Cluster.Nodes;

    public async ValueTask InitializeAsync()
    {
        if (Chromium.Path is not { } path) return;
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = path, Args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
        _cluster = await LocalCluster.StartAsync(nodes: 6, shards: 2, (_, _) => Slow);
        await _cluster.UntilSealedAsync();
        await Parallel.ForEachAsync(Enumerable.Range(0, Preloaded), new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, _) =>
        {
            var put = await Nodes[i % 6].Client.PutAsync($"key-{i}", $"\"{i} {new string('x', 1000)}\"");
            Assert.True(put.Status == 201, put.ToString());
        });
        // Through all nodes, so that several of them have numbered what it depends on.
        string? token = null;
        foreach (var (node, i) in Nodes.Select((node, i) => (node, i))) token = (await node.Client.PutAsync($"colour-{i}", "\"green\"", token)).Token;
        await Nodes[1].Client.PutAsync(Effect, """{"name": "olive", "of": "green"}""", token, "?w=all");
    }

    /// <summary>The page of a node, once it shows what the node says. Skips the test where there is no browser. Every node runs again by then, and no reshard does.</summary>
    internal async Task<ConsolePage> OpenAsync(int node, Action<BrowserNewContextOptions>? change = null)
    {
        Assert.SkipWhen(Chromium.Path is null, "no chromium on this machine: apt-get install --no-install-recommends chromium");
        await Task.WhenAll(Nodes.Where(each => !each.IsRunning).Select(each => each.RestartAsync()));
        await Cluster.UntilWholeAsync();
        await Eventually.Async(async () => (await Nodes[node].Client.ReshardStatusAsync()).Text("stage"), stage => stage == "none", TimeSpan.FromSeconds(30), "no reshard runs");
        var options = new BrowserNewContextOptions { ViewportSize = new() { Width = 1280, Height = 900 }, ReducedMotion = ReducedMotion.Reduce };
        change?.Invoke(options);
        return await ConsolePage.OpenAsync(await _browser!.NewContextAsync(options), Nodes[node].Address);
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null) await _browser.DisposeAsync();
        _playwright?.Dispose();
        if (_cluster is not null) await _cluster.DisposeAsync();
    }
}

[CollectionDefinition(nameof(Browsed))]
public sealed class BrowsedCollection : ICollectionFixture<Browsed>;
