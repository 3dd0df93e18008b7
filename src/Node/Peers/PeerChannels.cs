using Grpc.Net.Client;
using Kv.Common.Identity;
using Kv.Node.Security;

namespace Kv.Node.Peers;

/// <summary>What a connection carries; each kind has its own, so that heartbeats never queue behind data.</summary>
internal enum PeerTraffic
{
    Heartbeats,
    Broadcast,
    Forwarding,
    Transfers,
    Changes,
}

/// <summary>The gRPC channels to other nodes: one per peer and kind of traffic, made when first used, dropped by <see cref="Reset"/>.</summary>
/// <param name="options">How long connections may take.</param>
/// <param name="tls">How connections are secured; null for cleartext.</param>
internal sealed class PeerChannels(PeerOptions options, PeerTls? tls = null) : IDisposable
{
    private const int WindowBytes = 2 << 20;

    private readonly Lock _gate = new();
    private readonly Dictionary<(NodeAddress Peer, PeerTraffic Traffic), GrpcChannel> _channels = [];

    public GrpcChannel To(NodeAddress peer, PeerTraffic traffic)
    {
        lock (_gate)
        {
            if (!_channels.TryGetValue((peer, traffic), out var channel)) _channels[(peer, traffic)] = channel = Open(peer);
            return channel;
        }
    }

    /// <summary>Closes the connections to a peer; calls on them end with an error.</summary>
    public void Reset(NodeAddress peer)
    {
        List<GrpcChannel> dropped = [];
        lock (_gate)
        {
            foreach (var traffic in Enum.GetValues<PeerTraffic>())
            {
                if (_channels.Remove((peer, traffic), out var channel)) dropped.Add(channel);
            }
        }

        foreach (var channel in dropped) channel.Dispose();
    }

    public void Dispose()
    {
        lock (_gate)
        {
            foreach (var channel in _channels.Values) channel.Dispose();
            _channels.Clear();
        }
    }

    private GrpcChannel Open(NodeAddress peer)
    {
        // Every node of the cluster has the same rule for its peer port, so there is no node at such an address.
        if (options.PortOf(peer) is < 1 or > 65535) throw new PeerUnavailableException(peer, $"its peer port would be {options.PortOf(peer)}");
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            // The other side bounds the streams of a connection, and one that waits for another one's end may wait for good.
            EnableMultipleHttp2Connections = true,
            ConnectTimeout = options.ConnectTimeout,
            InitialHttp2StreamWindowSize = WindowBytes,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            // A connection that a cut left half open is found out by a ping, not by TCP's retransmissions, which take minutes.
            KeepAlivePingDelay = options.KeepAliveDelay,
            KeepAlivePingTimeout = options.KeepAliveTimeout,
        };
        // Each connection with the certificates of its own time, and verified by the cluster's rule only.
        if (tls is not null)
        {
            handler.ConnectCallback = tls.ConnectAsync;
            // A handshake takes as many turns again as a connection alone.
            handler.ConnectTimeout = 2 * options.ConnectTimeout;
        }

        var host = peer.Host.Contains(':', StringComparison.Ordinal) ? $"[{peer.Host}]" : peer.Host;
        return GrpcChannel.ForAddress($"{(tls is null ? "http" : "https")}://{host}:{options.PortOf(peer)}", new GrpcChannelOptions
        {
            HttpHandler = handler,
            DisposeHttpClient = true,
            MaxReceiveMessageSize = PeerOptions.MaxMessageBytes,
            // The loops above pace reconnecting; the channel's own, slower pace must not come on top.
            InitialReconnectBackoff = TimeSpan.FromMilliseconds(100),
            MaxReconnectBackoff = TimeSpan.FromMilliseconds(500),
        });
    }
}
