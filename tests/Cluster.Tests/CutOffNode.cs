using Kv.TestSupport;

namespace Kv.Cluster.Tests;

/// <summary>
/// Three nodes of one shard, of which the first can be cut off from the other two. It is given another peer port than they expect of it and expects
/// another of them, so that all its peer traffic, and no other, passes through proxies.
/// </summary>
public sealed class CutOffNode : IAsyncLifetime
{
    private readonly List<PausableProxy> _paths = [];
    private LocalCluster? _cluster;

    public LocalNode Alone => _cluster![0];

    public IReadOnlyList<LocalNode> Rest => [_cluster![1], _cluster[2]];

    public async ValueTask InitializeAsync() => _cluster = await LocalCluster.StartAsync(nodes: 3, shards: 1, (index, port) =>
    {
        var (peer, detour) = (port + NodePorts.PeerOffset, port + NodePorts.DetourOffset);
        _paths.Add(index == 0 ? new(peer, detour) : new(detour, peer));
        return index == 0 ? new Dictionary<string, string> { ["Peers__PortOffset"] = KvClient.Number(NodePorts.DetourOffset) } : new Dictionary<string, string>();
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
