namespace Kv.TestSupport;

/// <summary>A cluster of real processes on loopback with data directories of its own, which go when it is disposed.</summary>
public sealed class LocalCluster : IAsyncDisposable
{
    private static readonly TimeSpan ViewBound = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan SealBound = TimeSpan.FromSeconds(20);

    private readonly string _directory;
    private readonly List<LocalNode> _nodes;
    private readonly DoorKeys? _keys;

    private LocalCluster(IEnumerable<LocalNode> nodes, string directory, DoorKeys? keys)
    {
        _nodes = [.. nodes];
        _directory = directory;
        _keys = keys;
    }

    /// <summary>Those it began with, in the order of their addresses, in which they are dealt to the shards; then those that joined.</summary>
    public IReadOnlyList<LocalNode> Nodes => _nodes;

    public LocalNode this[int index] => Nodes[index];

    /// <summary>As a view lists them.</summary>
    public IReadOnlyList<string> Addresses => [.. Nodes.Select(node => node.Address).Order(StringComparer.Ordinal)];

    /// <summary>Starts the nodes, all at once, and waits until every one is ready and sees all others.</summary>
    /// <param name="nodes">How many.</param>
    /// <param name="shards">SHARD_COUNT.</param>
    /// <param name="more">Further variables of the node with this index, given its REST port.</param>
    /// <param name="keys">What the nodes' REST doors ask for.</param>
    public static async Task<LocalCluster> StartAsync(int nodes, int shards, Func<int, int, IReadOnlyDictionary<string, string>>? more = null, DoorKeys? keys = null)
    {
        var cluster = Prepare(nodes, shards, more, keys);
        try
        {
            foreach (var node in cluster.Nodes) node.Start();
            await cluster.UntilWholeAsync();
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts one more, which is told no SHARD_COUNT, and waits until everybody sees it.</summary>
    public async Task<LocalNode> JoinAsync(IReadOnlyDictionary<string, string>? more = null)
    {
        var port = NodePorts.Take();
        var environment = new Dictionary<string, string>(more ?? new Dictionary<string, string>())
        {
            ["SOCKET_ADDRESS"] = $"127.0.0.1:{port}",
            ["VIEW"] = string.Join(',', Addresses.Append($"127.0.0.1:{port}")),
            ["KV_DATA_DIR"] = Path.Combine(_directory, KvClient.Number(port)),
        };
        var node = new LocalNode(port, port + NodePorts.PeerOffset, environment, _keys);
        _nodes.Add(node);
        node.Start();
        foreach (var each in Nodes) await UntilViewAsync(each, Addresses, ViewBound);
        return node;
    }

    /// <summary>Waits until the cluster has formed for good: before, nothing about it can be changed.</summary>
    public async Task UntilSealedAsync() => await Eventually.Async(
        async () => (await Task.WhenAll(Nodes.Select(node => node.Probe.EpochAsync()))).Min(), epoch => epoch >= 2, SealBound, "every node acts on the sealed topology");

    /// <summary>Waits until every node is ready and sees all others.</summary>
    public async Task UntilWholeAsync()
    {
        await Task.WhenAll(Nodes.Select(node => node.UntilReadyAsync()));
        foreach (var node in Nodes) await UntilViewAsync(node, Addresses, ViewBound);
    }

    /// <summary>Waits until <paramref name="node"/> sees exactly these members.</summary>
    public static async Task UntilViewAsync(LocalNode node, IReadOnlyList<string> members, TimeSpan within)
    {
        var expected = string.Join(',', members);
        try
        {
            await Eventually.Async(async () => string.Join(',', await node.Client.ViewAsync()), view => view == expected, within, $"{node.Address} sees {expected}");
        }
        catch (TimeoutException late)
        {
            throw new TimeoutException($"{late.Message}. It wrote:\n{node.Process.LogTail}", late);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(Nodes.Select(node => node.DisposeAsync().AsTask()));
        if (Directory.Exists(_directory)) Directory.Delete(_directory, recursive: true);
    }

    private static LocalCluster Prepare(int nodes, int shards, Func<int, int, IReadOnlyDictionary<string, string>>? more, DoorKeys? keys)
    {
        var directory = Directory.CreateTempSubdirectory("kv-cluster-").FullName;
        int[] ports = [.. Enumerable.Range(0, nodes).Select(_ => NodePorts.Take()).Order()];
        var view = string.Join(',', ports.Select(port => $"127.0.0.1:{port}"));
        return new(
            [.. ports.Select((port, index) =>
            {
                var environment = new Dictionary<string, string>
                {
                    ["SOCKET_ADDRESS"] = $"127.0.0.1:{port}",
                    ["VIEW"] = view,
                    ["SHARD_COUNT"] = KvClient.Number(shards),
                    ["KV_DATA_DIR"] = Path.Combine(directory, KvClient.Number(port)),
                };
                foreach (var (name, value) in more?.Invoke(index, port) ?? new Dictionary<string, string>()) environment[name] = value;
                var offset = environment.TryGetValue("Peers__PortOffset", out var given) ? int.Parse(given, null) : NodePorts.PeerOffset;
                return new LocalNode(port, port + offset, environment, keys);
            })],
            directory,
            keys);
    }
}
