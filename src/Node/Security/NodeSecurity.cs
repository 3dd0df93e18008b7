using System.Security.Cryptography;
using Kv.Node.Telemetry;

namespace Kv.Node.Security;

/// <summary>What of a node is secured, and by what. Whatever is null is open.</summary>
internal sealed class NodeSecurity
{
    private NodeSecurity(RestTls? rest, PeerTls? peers, Watched<ApiKeys>? keys, IReadOnlyList<IWatched> watched) => (Rest, Peers, Keys, Watched) = (rest, peers, keys, watched);

    public RestTls? Rest { get; }

    public PeerTls? Peers { get; }

    public Watched<ApiKeys>? Keys { get; }

    /// <summary>What can change while the node runs.</summary>
    public IReadOnlyList<IWatched> Watched { get; }

    /// <summary>How many seconds the certificates in use are good for; negative when they are not any more. One that only stands for a secret does not expire.</summary>
    public IEnumerable<(string Which, double Seconds)> Expiries(DateTimeOffset now)
    {
        if (Rest is { } rest) yield return ("rest", (rest.Certificate.Current.Expires - now).TotalSeconds);
        if (Peers?.Identity.Current.Expires is { } expires) yield return ("peers", (expires - now).TotalSeconds);
    }

    /// <summary>Loads what the settings name. What cannot be used is added to <paramref name="errors"/>, all of it, and the result means nothing then.</summary>
    public static NodeSecurity Open(SecuritySettings settings, TimeProvider time, KvMetrics? metrics, ILogger logger, List<string> errors)
    {
        var tls = settings.Tls;
        var rest = tls.CertificateFile.Length == 0 ? null : Load(
            "rest",
            [("Tls:CertificateFile", tls.CertificateFile), ("Tls:KeyFile", tls.KeyFile)],
            () => Certificate.Load("Tls:CertificateFile", tls.CertificateFile, tls.KeyFile, time.GetUtcNow()));
        var peers = tls.HasPeerFiles
            ? Load(
                "peers",
                [("Tls:PeerCertificateFile", tls.PeerCertificateFile), ("Tls:PeerKeyFile", tls.PeerKeyFile), ("Tls:PeerCaFile", tls.PeerCaFile)],
                () => IdentityOf(tls, time.GetUtcNow()))
            : settings.Secret.Length > 0 ? Load("peers", [], () => IdentityOf(settings)) : null;
        var keys = settings.ApiKeysFile.Length == 0 ? null : Load("api-keys", [("KV_API_KEYS_FILE", settings.ApiKeysFile)], () => ApiKeys.Load("KV_API_KEYS_FILE", settings.ApiKeysFile));
        return new(
            rest is null ? null : new(rest),
            peers is null ? null : new(peers, time, metrics),
            keys,
            [.. new IWatched?[] { rest, tls.HasPeerFiles ? peers : null, keys }.OfType<IWatched>()]);

        Watched<T>? Load<T>(string what, IReadOnlyList<(string, string)> files, Func<T> load)
            where T : class
        {
            try
            {
                return new(what, files, load, metrics, logger);
            }
            catch (UnusableFileException unusable)
            {
                errors.Add(unusable.Message);
            }
            catch (CryptographicException unusable)
            {
                errors.Add($"{files[0].Item1}: {files[0].Item2} cannot be used: {unusable.Message}");
            }

            return null;
        }
    }

    private static PeerIdentity IdentityOf(TlsOptions tls, DateTimeOffset now)
    {
        var own = Certificate.Load("Tls:PeerCertificateFile", tls.PeerCertificateFile, tls.PeerKeyFile, now);
        var authorities = Certificate.Authorities("Tls:PeerCaFile", tls.PeerCaFile);
        var trust = PeerTrust.In(authorities, tls.PeerName);
        // Else every peer would refuse this node, and none would say so here.
        if (!trust.IsPeer(own.Leaf, own.Intermediates, now))
            throw new UnusableFileException($"Tls:PeerCertificateFile: {tls.PeerCertificateFile} is not the certificate of a peer by what {tls.PeerCaFile}{(tls.PeerName.Length > 0 ? " and Tls:PeerName say" : " says")}.");
        return new(own, trust) { Expires = authorities.Select(authority => new DateTimeOffset(authority.NotAfter)).Append(own.Expires).Min() };
    }

    private static PeerIdentity IdentityOf(SecuritySettings settings) => new(
        SecretIdentity.CertificateOf(settings.Secret),
        PeerTrust.In([.. settings.OtherSecrets.Prepend(settings.Secret).Select(secret => SecretIdentity.PublicKeyOf(secret))]));
}
