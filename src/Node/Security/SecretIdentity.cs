using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Kv.Node.Security;

/// <summary>
/// The key pair that a cluster's secret stands for: whoever knows the secret can make it, and nobody else. A P-256 key from HKDF-SHA256 of the secret, reduced as FIPS 186-5 A.2.1 does
/// (64 bits more than needed, so that no key is likelier than another). In a TLS handshake each side shows that it holds the private key, which is a challenge and an answer bound to that one connection:
/// nothing said in it can be used again.
/// </summary>
internal static class SecretIdentity
{
    // Order of the group of P-256.
    private static readonly BigInteger Order = BigInteger.Parse("0FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551", System.Globalization.NumberStyles.HexNumber, null);

    /// <summary>A certificate to show. Each is different, but for its key.</summary>
    public static Certificate CertificateOf(ReadOnlySpan<byte> secret)
    {
        using var key = KeyOf(secret);
        var request = new CertificateRequest("CN=kv-peer", key, HashAlgorithmName.SHA256);
        // Its dates mean nothing: whoever knows the secret is believed, whatever the clocks say.
        return Certificate.Of(request.CreateSelfSigned(new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero), new(2999, 12, 31, 0, 0, 0, TimeSpan.Zero)));
    }

    /// <summary>The public key by which it is known.</summary>
    public static byte[] PublicKeyOf(ReadOnlySpan<byte> secret)
    {
        using var key = KeyOf(secret);
        return key.ExportSubjectPublicKeyInfo();
    }

    private static ECDsa KeyOf(ReadOnlySpan<byte> secret)
    {
        Span<byte> bits = stackalloc byte[40];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, bits, "kv peers"u8, Encoding.UTF8.GetBytes("P-256 key, version 1"));
        var number = (new BigInteger(bits, isUnsigned: true, isBigEndian: true) % (Order - 1)) + 1;
        var d = new byte[32];
        var text = number.ToByteArray(isUnsigned: true, isBigEndian: true);
        text.CopyTo(d, d.Length - text.Length);
        return ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, D = d });
    }
}
