using System.Security.Cryptography.X509Certificates;
using System.Text;
using Kv.Node.Security;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kv.TestSupport;

/// <summary>What a test shows at a node's peer port.</summary>
internal static class TestPeers
{
    /// <summary>What a node with these variables would show; null when it would speak cleartext.</summary>
    public static PeerTls? Like(IReadOnlyDictionary<string, string> environment)
    {
        var tls = new TlsOptions
        {
            PeerCertificateFile = environment.GetValueOrDefault("Tls__PeerCertificateFile", ""),
            PeerKeyFile = environment.GetValueOrDefault("Tls__PeerKeyFile", ""),
            PeerCaFile = environment.GetValueOrDefault("Tls__PeerCaFile", ""),
        };
        var errors = new List<string>();
        var settings = new SecuritySettings(tls, Encoding.UTF8.GetBytes(environment.GetValueOrDefault("KV_CLUSTER_SECRET", "")), [], "");
        var security = NodeSecurity.Open(settings, TimeProvider.System, null, NullLogger.Instance, errors);
        return errors.Count == 0 ? security.Peers : throw new InvalidOperationException(string.Join('\n', errors));
    }

    /// <summary>One that knows the secret.</summary>
    public static PeerTls? Knowing(string secret) => Like(new Dictionary<string, string> { ["KV_CLUSTER_SECRET"] = secret });

    /// <summary>One that shows this certificate, whatever it is, and believes everybody.</summary>
    public static PeerTls Showing(X509Certificate2 certificate)
    {
        var identity = new PeerIdentity(Certificate.Of(certificate), new Everybody());
        return new(new("test", [], () => identity, null, NullLogger.Instance), TimeProvider.System);
    }

    private sealed class Everybody : PeerTrust
    {
        public override bool IsPeer(X509Certificate2 certificate, X509Certificate2Collection sent, DateTimeOffset now) => true;
    }
}
