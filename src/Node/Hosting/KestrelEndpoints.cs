using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Kv.Node.Hosting;

/// <summary>The two doors: HTTP/1.1 for clients on the public port, HTTP/2 for nodes on the peer port. In cleartext one port cannot be both.</summary>
internal static class KestrelEndpoints
{
    public static void Listen(KestrelServerOptions kestrel, NodeOptions options)
    {
        kestrel.AddServerHeader = false;
        // The REST door bounds bodies itself, to answer in JSON; peers' messages are bounded by gRPC.
        kestrel.Limits.MaxRequestBodySize = null;
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        kestrel.Limits.Http2.InitialConnectionWindowSize = 4 << 20;
        kestrel.Limits.Http2.InitialStreamWindowSize = 2 << 20;
        kestrel.Limits.Http2.KeepAlivePingDelay = options.Peers.KeepAliveDelay;
        kestrel.Limits.Http2.KeepAlivePingTimeout = options.Peers.KeepAliveTimeout;
        kestrel.ListenAnyIP(options.SocketAddress.Port, listen => listen.Protocols = HttpProtocols.Http1);
        kestrel.ListenAnyIP(options.Peers.PortOf(options.SocketAddress), listen => listen.Protocols = HttpProtocols.Http2);
    }
}
