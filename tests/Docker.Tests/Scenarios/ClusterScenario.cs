using Xunit;

namespace Kv.Docker.Tests.Scenarios;

/// <summary>A test on the six containers; it finds all of them up and may leave them as it likes.</summary>
[Collection(SixNodes.Name)]
public abstract class ClusterScenario(Cluster cluster) : IAsyncLifetime
{
    protected Cluster Cluster { get; } = cluster;

    internal IReadOnlyList<Node> Nodes => Cluster.Nodes;

    public async ValueTask InitializeAsync() => await Cluster.BeUpAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>A key nobody else uses, in the shard of that id.</summary>
    internal async Task<string> KeyInShardAsync(string shard)
    {
        for (var attempt = 0; attempt < 100; attempt++)
        {
            var key = $"in-{shard}-{Guid.NewGuid():N}";
            var answer = await Nodes[0].PutAsync(key, "first");
            Assert.True(answer.Accepted, answer.ToString());
            if (answer.Text("shard-id") == shard)
            {
                return key;
            }
        }

        throw new InvalidOperationException($"none of 100 keys is in shard {shard}");
    }
}
