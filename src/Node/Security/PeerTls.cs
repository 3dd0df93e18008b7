using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Kv.Node.Telemetry;

namespace Kv.Node.Security;

/// <summary>What a node shows to its peers, and whom it believes. Exchanged as one.</summary>
internal sealed record PeerIdentity(Certificate Own, PeerTrust Trust)
{
    /// <summary>When the first of what it rests on expires; null for never.</summary>
    public DateTimeOffset? Expires { get; init; }
}

/// <summary>
/// TLS among nodes, in which each side proves that it is of the cluster: below HTTP, so there is no call that could be forgotten. Why names do not have to match addresses:
/// docs/decisions/0020.
/// </summary>
internal sealed class PeerTls(Watched<PeerIdentity> identity, TimeProvider time, KvMetrics? metrics = null)
{
    public Watched<PeerIdentity> Identity => identity;

    /// <summary>For one handshake with whoever connects.</summary>
    public SslServerAuthenticationOptions ForHandshake()
    {
        var current = identity.Current;
        return new()
        {
            EnabledSslProtocols = RestTls.Protocols,
            ServerCertificateContext = current.Own.Context,
            ClientCertificateRequired = true,
            CertificateChainPolicy = Offline(),
            RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
            {
                var isPeer = IsPeer(current, certificate, chain);
                // Not logged: a stranger could fill the log.
                if (!isPeer) metrics?.Refused("peer");
                return isPeer;
            },
            // A resumed session would go on believing what the first one did. Connections of peers last, so nothing is lost.
            AllowTlsResume = false,
            ApplicationProtocols = [SslApplicationProtocol.Http2],
        };
    }

    /// <summary>A connection to a peer that has proved itself; throws <see cref="IOException"/> or <see cref="System.Security.Authentication.AuthenticationException"/>.</summary>
    public async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        SslStream? stream = null;
        try
        {
            await socket.ConnectAsync(context.DnsEndPoint, cancellation);
            stream = new(new NetworkStream(socket, ownsSocket: true));
            var current = identity.Current;
            await stream.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    EnabledSslProtocols = RestTls.Protocols,
                    TargetHost = context.DnsEndPoint.Host,
                    ClientCertificateContext = current.Own.Context,
                    CertificateChainPolicy = Offline(),
                    RemoteCertificateValidationCallback = (_, certificate, chain, _) => IsPeer(current, certificate, chain),
                    AllowTlsResume = false,
                    ApplicationProtocols = [SslApplicationProtocol.Http2],
                },
                cancellation);
            return stream;
        }
        catch
        {
            stream?.Dispose();
            socket.Dispose();
            throw;
        }
    }

    // What SslStream finds out by itself is about the system's authorities, and not asked for.
    private bool IsPeer(PeerIdentity current, X509Certificate? certificate, X509Chain? chain) =>
        certificate is X509Certificate2 shown && current.Trust.IsPeer(shown, chain?.ChainPolicy.ExtraStore ?? [], time.GetUtcNow());

    private static X509ChainPolicy Offline() => new() { DisableCertificateDownloads = true, RevocationMode = X509RevocationMode.NoCheck };
}
