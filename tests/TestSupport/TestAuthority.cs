using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Kv.TestSupport;

/// <summary>An authority of a test's own, and the certificates it makes, as PEM.</summary>
public sealed class TestAuthority
{
    private readonly X509Certificate2 _own;

    public TestAuthority(string name = "test authority")
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        _own = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddYears(-2), DateTimeOffset.UtcNow.AddYears(2));
    }

    /// <summary>Without its key.</summary>
    public X509Certificate2 Certificate => X509CertificateLoader.LoadCertificate(_own.RawData);

    /// <summary>A certificate for this machine, and further names, with its key.</summary>
    public X509Certificate2 Issue(DateTimeOffset? notBefore = null, DateTimeOffset? notAfter = null, params string[] names)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=node", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        var alternatives = new SubjectAlternativeNameBuilder();
        alternatives.AddIpAddress(IPAddress.Loopback);
        alternatives.AddDnsName("localhost");
        foreach (var name in names) alternatives.AddDnsName(name);
        request.CertificateExtensions.Add(alternatives.Build());
        using var bare = request.Create(_own, notBefore ?? DateTimeOffset.UtcNow.AddDays(-1), notAfter ?? DateTimeOffset.UtcNow.AddDays(30), RandomNumberGenerator.GetBytes(8));
        return bare.CopyWithPrivateKey(key);
    }

    /// <summary>Writes a certificate, its key and this authority beside each other, over whatever is there; the settings of a node that uses them for its peers and, if asked, for REST.</summary>
    public IReadOnlyDictionary<string, string> Write(string directory, bool isForPeers = true, bool isForRest = true, X509Certificate2? certificate = null)
    {
        var (own, key, authority) = (Path.Combine(directory, "node.pem"), Path.Combine(directory, "node.key"), Path.Combine(directory, "ca.pem"));
        Directory.CreateDirectory(directory);
        using var made = certificate ?? Issue();
        File.WriteAllText(own, made.ExportCertificatePem());
        File.WriteAllText(key, made.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(authority, _own.ExportCertificatePem());
        var settings = new Dictionary<string, string>();
        if (isForRest) (settings["Tls__CertificateFile"], settings["Tls__KeyFile"]) = (own, key);
        if (isForPeers) (settings["Tls__PeerCertificateFile"], settings["Tls__PeerKeyFile"], settings["Tls__PeerCaFile"]) = (own, key, authority);
        return settings;
    }
}
