using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Kv.Node.Security;

/// <summary>A certificate with its private key, and whatever is to be sent along with it. Immutable, and never disposed: handshakes may be using one that was replaced.</summary>
internal sealed class Certificate
{
    private Certificate(X509Certificate2 leaf, X509Certificate2Collection chain)
    {
        Leaf = leaf;
        Intermediates = chain;
        Expires = new DateTimeOffset(leaf.NotAfter);
        // Offline: a start must not depend on somebody else's server, and intermediates are in the file.
        Context = SslStreamCertificateContext.Create(leaf, chain, offline: true);
    }

    public X509Certificate2 Leaf { get; }

    public X509Certificate2Collection Intermediates { get; }

    public SslStreamCertificateContext Context { get; }

    public DateTimeOffset Expires { get; }

    /// <summary>From what <see cref="SecretIdentity"/> makes.</summary>
    public static Certificate Of(X509Certificate2 leaf) => new(leaf, []);

    /// <summary>Loads PEM files; throws <see cref="UnusableFileException"/> when they do not hold a certificate that is good at <paramref name="now"/> and its key.</summary>
    public static Certificate Load(string setting, string certificateFile, string keyFile, DateTimeOffset now)
    {
        var chain = Authorities(setting, certificateFile);
        var key = SecretFile.Read(setting, keyFile);
        X509Certificate2 leaf;
        try
        {
            leaf = X509Certificate2.CreateFromPem(SecretFile.Read(setting, certificateFile), key);
        }
        catch (Exception wrong) when (wrong is CryptographicException or ArgumentException)
        {
            throw new UnusableFileException($"{setting}: {keyFile} does not hold the private key of {certificateFile}, in PEM and not encrypted.");
        }

        if (leaf.NotAfter < now) throw new UnusableFileException($"{setting}: the certificate in {certificateFile} expired on {leaf.NotAfter.ToUniversalTime():u}.");
        if (leaf.NotBefore > now) throw new UnusableFileException($"{setting}: the certificate in {certificateFile} is good from {leaf.NotBefore.ToUniversalTime():u} only.");
        chain.RemoveAt(0);
        return new(leaf, chain);
    }

    /// <summary>The certificates in a file, without keys; at least one.</summary>
    public static X509Certificate2Collection Authorities(string setting, string file)
    {
        var found = new X509Certificate2Collection();
        try
        {
            found.ImportFromPem(SecretFile.Read(setting, file));
        }
        catch (CryptographicException)
        {
            throw new UnusableFileException($"{setting}: {file} holds something that is not a certificate in PEM.");
        }

        return found.Count > 0 ? found : throw new UnusableFileException($"{setting}: {file} holds no certificate in PEM.");
    }
}
