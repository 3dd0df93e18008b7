using Kv.TestSupport;

namespace Kv.Cluster.Tests;

/// <summary>Six nodes, two shards, shared. Every test finds them whole, whatever became of the one before it.</summary>
public sealed class SixNodes : IAsyncLifetime
{
    private LocalCluster? _cluster;

    public LocalCluster Cluster => _cluster!;

    public IReadOnlyList<LocalNode> Nodes => Cluster.Nodes;

    /// <summary>A name that no other test uses.</summary>
    public static string NewName(string name) => $"{name}-{Guid.NewGuid().ToString("N")[..12]}";

    public async ValueTask InitializeAsync() => _cluster = await LocalCluster.StartAsync(nodes: 6, shards: 2);

    public ValueTask DisposeAsync() => _cluster is null ? default : _cluster.DisposeAsync();

    /// <summary>Brings back whoever is away.</summary>
    public async ValueTask MakeWholeAsync()
    {
        await Task.WhenAll(Nodes.Where(node => !node.IsRunning).Select(node => node.RestartAsync()));
        await Cluster.UntilWholeAsync();
    }

    /// <summary>The members of the shard that <paramref name="node"/> serves.</summary>
    public async Task<IReadOnlyList<LocalNode>> ShardOfAsync(LocalNode node)
    {
        var shard = (await node.Client.GetPathAsync("/key-value-store-shard/node-shard-id")).Text("shard-id");
        var members = await node.Client.MembersAsync(shard);
        return [.. Nodes.Where(other => members.Contains(other.Address))];
    }
}

/// <summary>The tests that share the six nodes.</summary>
[Collection(nameof(SixNodes))]
public abstract class SixNodesTests(SixNodes six) : IAsyncLifetime
{
    protected SixNodes Six => six;

    public ValueTask InitializeAsync() => six.MakeWholeAsync();

    public ValueTask DisposeAsync() => default;
}

[CollectionDefinition(nameof(SixNodes))]
public sealed class SixNodesCollection : ICollectionFixture<SixNodes>;
