using Kv.TestSupport;

namespace Kv.Faults.Testbeds;

/// <summary>One node of the cluster under test, as clients and an operator reach it. Its place in the list of nodes is its name here.</summary>
internal sealed class TestNode(int index, string address, int peerPort) : IDisposable
{
    /// <summary>Longer than the node itself lets any request wait.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan LookPatience = TimeSpan.FromSeconds(2);

    public int Index => index;

    /// <summary>Its SOCKET_ADDRESS.</summary>
    public string Address => address;

    /// <summary>For requests that are judged: each over a connection of its own, so that none is ever sent twice.</summary>
    public KvClient Client { get; } = new(address, Patience, reusesConnections: false);

    /// <summary>For looking at it, and not waiting for it.</summary>
    public KvClient Look { get; } = new(address, LookPatience, reusesConnections: false);

    public PeerProbe Probe { get; } = new(address[..address.LastIndexOf(':')], peerPort, ITestbed.ClusterSecret);

    public override string ToString() => $"node{index + 1}";

    public void Dispose()
    {
        Client.Dispose();
        Look.Dispose();
        Probe.Dispose();
    }
}
