using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Peers;
using Kv.Node.Signals;
using Kv.TestSupport;

namespace Kv.Node.Tests.Peers;

public sealed class SilentConnectionTests
{
    [Fact]
    public async Task A_stream_on_which_nothing_is_sent_ends_when_its_peer_is_cut_off()
    {
        var path = NodePorts.Take();
        var absent = $"127.0.0.1:{path}";
        await using var node = await InProcessNode.StartAsync(absent: [absent]);
        await using var proxy = new PausableProxy(path + NodePorts.PeerOffset, node.Port + NodePorts.PeerOffset);
        var self = new NodeIdentity(node.Service<NodeIdentity>().Cluster, NodeAddress.Parse(absent), new Incarnation(7));
        using var channels = new PeerChannels(new() { KeepAliveDelay = TimeSpan.FromSeconds(1), KeepAliveTimeout = TimeSpan.FromSeconds(1) });
        var transport = new GrpcPeerTransport(self, channels);
        await using var stream = await transport.OpenBroadcastAsync(NodeAddress.Parse(absent), new(Epoch.First, node.Service<Published<ClusterTopology>>().Current.Scope), CancellationToken.None);
        Assert.NotNull(await stream.ReceiveAsync(CancellationToken.None));
        proxy.Cut();
        await Assert.ThrowsAsync<PeerUnavailableException>(() => stream.ReceiveAsync(CancellationToken.None).AsTask().WaitAsync(TimeSpan.FromSeconds(20)));
    }
}
