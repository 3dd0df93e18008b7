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

    /// <summary>Waits until the replicas of each shard say that they hold the same.</summary>
    public async Task UntilEqualAsync()
    {
        foreach (var shard in Nodes.Select((node, index) => (node, Shard: index % 2)).GroupBy(dealt => dealt.Shard, dealt => dealt.node))
        {
            await Eventually.Async(
                async () => string.Join(" | ", (await Task.WhenAll(shard.Select(node => node.Probe.VectorAsync()))).Select(held => Text(held.Vector))),
                vectors => vectors.Split(" | ").Distinct().Count() == 1,
                TimeSpan.FromSeconds(5),
                $"the replicas of shard {shard.Key} hold the same");
        }
    }

    private static string Text(IReadOnlyDictionary<string, ulong> vector) => string.Join(' ', vector.OrderBy(entry => entry.Key).Select(entry => $"{entry.Key}:{entry.Value}"));
}

/// <summary>The tests that share the six nodes.</summary>
[Collection(nameof(SixNodes))]
public abstract class SixNodesTests(SixNodes six) : IAsyncLifetime
{
    protected SixNodes Six => six;

    public ValueTask InitializeAsync() => six.MakeWholeAsync();

    public ValueTask DisposeAsync() => default;
}

[CollectionDefinition(nameof(SixNodes), DisableParallelization = true)]
public sealed class SixNodesCollection : ICollectionFixture<SixNodes>;
