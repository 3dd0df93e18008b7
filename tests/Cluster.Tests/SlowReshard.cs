using Kv.TestSupport;

namespace Kv.Cluster.Tests;

/// <summary>Six nodes whose reshards take some seconds, with keys to move. How many shards there are is what the last test left.</summary>
public sealed class SlowReshard : IAsyncLifetime
{
    private LocalCluster? _cluster;

    public LocalCluster Cluster => _cluster!;

    public IReadOnlyList<LocalNode> Nodes => Cluster.Nodes;

    internal IReadOnlyDictionary<string, KvAnswer> Preloaded { get; private set; } = new Dictionary<string, KvAnswer>();

    public async ValueTask InitializeAsync()
    {
        _cluster = await LocalCluster.StartAsync(nodes: 6, shards: 2, (_, _) => Resharded.Slow);
        await _cluster.UntilSealedAsync();
        Preloaded = await Resharded.PreloadAsync(Nodes, "kept");
    }

    public ValueTask DisposeAsync() => _cluster is null ? default : _cluster.DisposeAsync();
}
