using System.Net.Security;
using Kv.Node.Security;
using Kv.Node.Telemetry;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Kv.Node.Hosting;

/// <summary>The two doors: HTTP/1.1 for clients on the public port, HTTP/2 for nodes on the peer port. In cleartext one port cannot be both.</summary>
internal static class KestrelEndpoints
{
    /// <summary>What both doors have below what they serve; comes first.</summary>
    public static void UseDoors(this WebApplication app, NodeOptions options, Action<IApplicationBuilder> servePeers)
    {
        var peerPort = options.Peers.PortOf(options.SocketAddress);
        app.Use(next => context => ConnectionLimit.MarkBusyAsync(context, next));
        app.MapWhen(context => context.Connection.LocalPort == peerPort, peers =>
        {
            peers.Use(next => context =>
            {
                if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { } bound) bound.MaxRequestBodySize = null;
                return next(context);
            });
            servePeers(peers);
        });
    }

    public static void Listen(KestrelServerOptions kestrel, NodeOptions options)
    {
        kestrel.AddServerHeader = false;
        var (limits, rest) = (kestrel.Limits, options.Rest);
        // The REST door bounds bodies itself, to answer in JSON. This is for what nobody reads, and for what is left of a body that was refused: Kestrel takes in that much of it, so
        // that the client comes to read its answer. It counts what goes over the wire, and a body of one-byte chunks is six times as long there. Lifted for calls of peers,
        // whose messages are bounded by gRPC.
        limits.MaxRequestBodySize = 8L * options.Requests.MaxBodyBytes;
        limits.RequestHeadersTimeout = rest.HeadersTimeout;
        limits.KeepAliveTimeout = rest.KeepAliveTimeout;
        limits.MinRequestBodyDataRate = new(rest.MinBytesPerSecond, rest.RateGrace);
        limits.MinResponseDataRate = new(rest.MinBytesPerSecond, rest.RateGrace);
        limits.Http2.InitialConnectionWindowSize = 4 << 20;
        limits.Http2.InitialStreamWindowSize = 2 << 20;
        limits.Http2.KeepAlivePingDelay = options.Peers.KeepAliveDelay;
        limits.Http2.KeepAlivePingTimeout = options.Peers.KeepAliveTimeout;
        // Each door has its own connections: a crowd at the one is nothing to the other.
        var metrics = kestrel.ApplicationServices.GetService<KvMetrics>();
        var security = kestrel.ApplicationServices.GetRequiredService<NodeSecurity>();
        kestrel.ListenAnyIP(options.SocketAddress.Port, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            listen.Use(new ConnectionLimit(rest.MaxConnections, rest.Patience, metrics).Guard);
            if (security.Rest is { } tls) listen.UseHttps(Handshake(tls.ForHandshake));
        });
        kestrel.ListenAnyIP(options.Peers.PortOf(options.SocketAddress), listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.Use(new ConnectionLimit(options.Peers.MaxConnections, rest.Patience, metrics).Guard);
            // Below HTTP: who is no peer reaches no service at all, reflection and health included.
            if (security.Peers is { } tls) listen.UseHttps(Handshake(tls.ForHandshake));
        });
    }

    private static TlsHandshakeCallbackOptions Handshake(Func<SslServerAuthenticationOptions> options) => new() { OnConnection = _ => ValueTask.FromResult(options()) };
}
