using System.Net;

namespace Kv.Faults.Testbeds;

/// <summary>
/// All that local nodes say to each other passes through here. Each node has a peer port offset of its own, by which it listens and by which it looks for the
/// others, so for every node and every other one there is a port on which only the one looks for the other.
/// </summary>
internal sealed class PathMatrix : IAsyncDisposable
{
    // Below the range that the kernel gives to outgoing connections; 3000 is where NodePorts keeps its marks.
    private static readonly int[] Offsets = [1000, 2000, 4000, 5000, 6000, 7000];

    private readonly Dictionary<Link, ShapedPath> _paths = [];

    public PathMatrix(IReadOnlyList<int> ports)
    {
        foreach (var (dialer, target) in Pairs(ports.Count))
        {
            var path = new ShapedPath(new(IPAddress.Loopback, ports[target] + Offsets[dialer]), new(IPAddress.Loopback, ports[target] + Offsets[target]));
            _paths.Add(new(dialer, target), path);
        }
    }

    /// <summary>The node's Peers:PortOffset.</summary>
    public static int OffsetOf(int node) => Offsets[node];

    /// <summary>What carries a link: on the connections that its sender opened, and on those that its receiver opened.</summary>
    public IEnumerable<PathDirection> DirectionsOf(Link link) => [_paths[link].Forth, _paths[link.Back].Back];

    /// <summary>All links from and to a node.</summary>
    public static IReadOnlyList<Link> LinksOf(int node) => Link.Between([node], [.. Enumerable.Range(0, Offsets.Length)]);

    public async ValueTask DisposeAsync() => await Task.WhenAll(_paths.Values.Select(path => path.DisposeAsync().AsTask()));

    private static IEnumerable<(int Dialer, int Target)> Pairs(int count) =>
        from dialer in Enumerable.Range(0, count) from target in Enumerable.Range(0, count) where dialer != target select (dialer, target);
}
