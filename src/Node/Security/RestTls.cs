using System.Net.Security;
using System.Security.Authentication;

namespace Kv.Node.Security;

/// <summary>TLS of the REST door.</summary>
internal sealed class RestTls(Watched<Certificate> certificate)
{
    /// <summary>Neither older, which is broken, nor only the newest, which not every client of today speaks.</summary>
    public const SslProtocols Protocols = SslProtocols.Tls12 | SslProtocols.Tls13;

    public Watched<Certificate> Certificate => certificate;

    /// <summary>For one handshake, with the certificate of now; connections that exist go on with theirs.</summary>
    public SslServerAuthenticationOptions ForHandshake() => new()
    {
        EnabledSslProtocols = Protocols,
        ServerCertificateContext = certificate.Current.Context,
        ApplicationProtocols = [SslApplicationProtocol.Http11],
    };
}
