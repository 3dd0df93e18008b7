using System.Security.Cryptography.X509Certificates;

namespace Kv.Node.Security;

/// <summary>Whom a node believes to be a peer. The same in both directions.</summary>
internal abstract class PeerTrust
{
    /// <summary>True for the certificate of a peer; the handshake has shown that whoever presents it holds its key. <paramref name="sent"/>: what came with it.</summary>
    public abstract bool IsPeer(X509Certificate2 certificate, X509Certificate2Collection sent, DateTimeOffset now);

    /// <summary>
    /// Whoever <paramref name="authorities"/> vouch for, and who carries <paramref name="name"/> if that is not empty. What the certificate may be used for is not looked at: a peer is server and
    /// client alike, and an authority that is the cluster's own makes nothing else.
    /// </summary>
    public static PeerTrust In(X509Certificate2Collection authorities, string name) => new Authorities(authorities, name);

    /// <summary>Whoever holds one of these keys.</summary>
    public static PeerTrust In(IReadOnlyList<byte[]> publicKeys) => new Keys(publicKeys);

    private sealed class Authorities(X509Certificate2Collection authorities, string name) : PeerTrust
    {
        private readonly X509Certificate2[] _roots = [.. authorities.Where(IsRoot)];
        private readonly X509Certificate2[] _intermediates = [.. authorities.Where(authority => !IsRoot(authority))];

        // One after the other: of two that have the same name, an old one and the next, the search for an issuer may find only the wrong one.
        public override bool IsPeer(X509Certificate2 certificate, X509Certificate2Collection sent, DateTimeOffset now) =>
            (name.Length == 0 || certificate.MatchesHostname(name, allowWildcards: false, allowCommonName: false)) && _roots.Any(root => IsVouchedFor(certificate, root, sent, now));

        private bool IsVouchedFor(X509Certificate2 certificate, X509Certificate2 root, X509Certificate2Collection sent, DateTimeOffset now)
        {
            using var chain = new X509Chain();
            var policy = chain.ChainPolicy;
            policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            policy.CustomTrustStore.Add(root);
            policy.ExtraStore.AddRange(_intermediates);
            policy.ExtraStore.AddRange(sent);
            // No list is asked: a node must be able to start while nothing else runs. Taking a certificate back is taking its authority back; docs/security.md.
            policy.RevocationMode = X509RevocationMode.NoCheck;
            policy.DisableCertificateDownloads = true;
            policy.VerificationTime = now.LocalDateTime;
            return chain.Build(certificate);
        }

        private static bool IsRoot(X509Certificate2 authority) => authority.SubjectName.RawData.AsSpan().SequenceEqual(authority.IssuerName.RawData);
    }

    private sealed class Keys(IReadOnlyList<byte[]> publicKeys) : PeerTrust
    {
        public override bool IsPeer(X509Certificate2 certificate, X509Certificate2Collection sent, DateTimeOffset now)
        {
            var shown = certificate.PublicKey.ExportSubjectPublicKeyInfo();
            return publicKeys.Any(key => key.AsSpan().SequenceEqual(shown));
        }
    }
}
