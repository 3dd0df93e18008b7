using Kv.TestSupport;

namespace Kv.Cluster.Tests;

/// <summary>
/// Some nodes, by default three of one shard, of which the first can be cut off from the others. It is given another peer port than they expect of it and expects
/// another of them, so that all its peer traffic, and no other, passes through proxies.
/// </summary>
public sealed class CutOffNode : IAsyncLifetime
{
    private readonly int _nodes;
    private readonly int _shards;
    private readonly IReadOnlyDictionary<string, string> _more;
    private readonly List<PausableProxy> _paths = [];
    private LocalCluster? _cluster;

    public CutOffNode()
        : this(nodes: 3, shards: 1, new Dictionary<string, string>())
    {
    }

    /// <summary><paramref name="more"/>: further variables of every node.</summary>
    internal CutOffNode(int nodes, int shards, IReadOnlyDictionary<string, string> more) => (_nodes, _shards, _more) = (nodes, shards, more);

    public LocalCluster Cluster => _cluster!;

    public LocalNode Alone => Cluster[0];

    public IReadOnlyList<LocalNode> Rest => [.. Cluster.Nodes.Skip(1)];

    public async ValueTask InitializeAsync() => _cluster = await LocalCluster.StartAsync(_nodes, _shards, (index, port) =>
    {
        var (peer, detour) = (port + NodePorts.PeerOffset, port + NodePorts.DetourOffset);
        _paths.Add(index == 0 ? new(peer, detour) : new(detour, peer));
        var environment = new Dictionary<string, string>(_more);
        if (index == 0) environment["Peers__PortOffset"] = KvClient.Number(NodePorts.DetourOffset);
        return environment;
    });

    public void Cut() => _paths.ForEach(path => path.Cut());

    public async Task HealAsync()
    {
        _paths.ForEach(path => path.Heal());
        await _cluster!.UntilWholeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_cluster is not null) await _cluster.DisposeAsync();
        foreach (var path in _paths) await path.DisposeAsync();
    }
}
