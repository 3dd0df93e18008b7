using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Kv.Node.Security;
using Kv.TestSupport;

namespace Kv.Node.Tests.Security;

public sealed class PeerTrustTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UtcNow;
    private static readonly TestAuthority Ours = new();
    private static readonly TestAuthority Theirs = new();

    [Fact]
    public void The_clusters_authority_makes_peers_and_no_other_does_not_even_one_of_the_same_name()
    {
        Assert.True(IsPeer(Ours.Issue()));
        Assert.False(IsPeer(Theirs.Issue()));
    }

    [Fact]
    public void A_certificate_of_ones_own_is_none() => Assert.False(IsPeer(SecretIdentity.CertificateOf("secret"u8).Leaf));

    [Fact]
    public void A_peer_cannot_make_peers()
    {
        using var peer = Ours.Issue();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=made by a peer", key, HashAlgorithmName.SHA256);
        // CertificateRequest refuses an issuer that is no authority; whoever cheats does not ask it.
        using var made = request.Create(peer.SubjectName, X509SignatureGenerator.CreateForECDsa(peer.GetECDsaPrivateKey()!), Now.AddDays(-1), Now.AddDays(1), [7]);
        Assert.False(PeerTrust.In([Ours.Certificate], "").IsPeer(made, [peer], Now));
    }

    [Fact]
    public void It_counts_only_while_it_is_good()
    {
        using var certificate = Ours.Issue(Now.AddDays(-10), Now.AddDays(-1));
        Assert.False(IsPeer(certificate));
        Assert.True(PeerTrust.In([Ours.Certificate], "").IsPeer(certificate, [], Now.AddDays(-2)));
        Assert.False(IsPeer(Ours.Issue(Now.AddDays(1), Now.AddDays(2))));
    }

    [Fact]
    public void While_an_authority_is_exchanged_both_count()
    {
        var trust = PeerTrust.In([Ours.Certificate, Theirs.Certificate], "");
        Assert.True(trust.IsPeer(Ours.Issue(), [], Now));
        Assert.True(trust.IsPeer(Theirs.Issue(), [], Now));
    }

    [Fact]
    public void Where_a_name_is_asked_for_only_its_bearers_are_peers()
    {
        var trust = PeerTrust.In([Ours.Certificate], "peer.kv.internal");
        Assert.True(trust.IsPeer(Ours.Issue(names: "peer.kv.internal"), [], Now));
        Assert.False(trust.IsPeer(Ours.Issue(), [], Now));
        Assert.False(trust.IsPeer(Ours.Issue(names: "*.kv.internal"), [], Now));
    }

    [Fact]
    public void The_same_secret_is_the_same_key_and_another_one_is_another()
    {
        var trust = PeerTrust.In([SecretIdentity.PublicKeyOf("secret"u8), SecretIdentity.PublicKeyOf("the one to come"u8)]);
        Assert.True(trust.IsPeer(SecretIdentity.CertificateOf("secret"u8).Leaf, [], Now));
        Assert.True(trust.IsPeer(SecretIdentity.CertificateOf("the one to come"u8).Leaf, [], Now));
        Assert.False(trust.IsPeer(SecretIdentity.CertificateOf("Secret"u8).Leaf, [], Now));
        Assert.False(trust.IsPeer(Ours.Issue(), [], Now));
        // What a cluster of yesterday made of it, one of tomorrow has to make as well.
        Assert.Equal(KnownKey, Convert.ToHexString(SHA256.HashData(SecretIdentity.PublicKeyOf("secret"u8))));
    }

    private const string KnownKey = "A25AB632FF7CF525F47729911116DFA9F1358AABA60702CF7DC7F67159B096D5";

    private static bool IsPeer(X509Certificate2 certificate) => PeerTrust.In([Ours.Certificate], "").IsPeer(certificate, [], Now);
}
