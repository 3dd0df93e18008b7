using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Hosting;
using Kv.Node.Storage;
using Microsoft.Extensions.Configuration;

namespace Kv.Node.Tests.Hosting;

public sealed class NodeOriginTests : IDisposable
{
    private static readonly NodeAddress Self = NodeAddress.Parse("10.0.0.2:8080");
    private static readonly NodeAddress Other = NodeAddress.Parse("10.0.0.3:8080");
    private static readonly ClusterTopology Found = Genesis.Provisional([Other], 1);

    private readonly string _directory = Directory.CreateTempSubdirectory("kv-origin-").FullName;

    [Fact]
    public async Task A_node_with_a_shard_count_asks_nobody()
    {
        var origin = await FindAsync("2", NeverAsync);
        Assert.Equal(Genesis.Provisional([Self, Other], 2).Digest, origin?.Topology.Known.Digest);
        origin?.Directory?.Dispose();
    }

    [Fact]
    public async Task A_node_without_one_asks_once_in_its_life()
    {
        var first = await FindAsync(null, () => Task.FromResult<ClusterTopology?>(Found));
        Assert.Equal(Found.Cluster, first?.Self.Cluster);
        first?.Directory?.Dispose();

        var again = await FindAsync(null, NeverAsync);
        Assert.Equal(first?.Self, again?.Self);
        Assert.Equal(Found.Digest, again?.Topology.Known.Digest);
        again?.Directory?.Dispose();
    }

    [Fact]
    public async Task A_node_that_keeps_nothing_asks_each_time()
    {
        var first = await FindAsync(null, () => Task.FromResult<ClusterTopology?>(Found), "memory");
        var again = await FindAsync(null, () => Task.FromResult<ClusterTopology?>(Found), "memory");
        Assert.Equal(first?.Self.Cluster, again?.Self.Cluster);
        Assert.NotEqual(first?.Self.Incarnation, again?.Self.Incarnation);
    }

    [Fact]
    public async Task A_shard_count_that_contradicts_the_data_is_refused()
    {
        (await FindAsync(null, () => Task.FromResult<ClusterTopology?>(Found)))?.Directory?.Dispose();
        var refused = await Assert.ThrowsAsync<DataDirectoryRefusedException>(() => FindAsync("1", NeverAsync));
        Assert.Contains("belongs to cluster", refused.Message);
    }

    [Fact]
    public async Task A_node_that_is_stopped_while_it_asks_leaves_the_directory_to_the_next_one()
    {
        Assert.Null(await FindAsync(null, () => Task.FromResult<ClusterTopology?>(null)));
        var next = await FindAsync(null, () => Task.FromResult<ClusterTopology?>(Found));
        Assert.NotNull(next);
        next.Directory?.Dispose();
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private static Task<ClusterTopology?> NeverAsync() => throw new InvalidOperationException("Nobody was to be asked.");

    private Task<NodeOrigin?> FindAsync(string? shardCount, Func<Task<ClusterTopology?>> discover, string storage = "rocksdb") => NodeOrigin.FindAsync(
        NodeOptions.Read(new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["SOCKET_ADDRESS"] = Self.ToString(),
            ["VIEW"] = $"{Self},{Other}",
            ["SHARD_COUNT"] = shardCount,
            ["KV_STORAGE"] = storage,
            ["KV_DATA_DIR"] = Path.Combine(_directory, "data"),
        }).Build()),
        removedIn: null,
        discover);
}
