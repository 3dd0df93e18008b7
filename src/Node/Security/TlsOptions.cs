namespace Kv.Node.Security;

/// <summary>Certificates, as ordinary PEM files. Section <c>Tls</c>. Without any of them both doors speak cleartext.</summary>
internal sealed class TlsOptions
{
    /// <summary>The certificate of the REST door, with its intermediates after it, if any. Empty: REST is plain HTTP.</summary>
    public string CertificateFile { get; set; } = "";

    /// <summary>The private key of <see cref="CertificateFile"/>, not encrypted; the same file may hold both.</summary>
    public string KeyFile { get; set; } = "";

    /// <summary>
    /// The certificate that this node shows to its peers, as server and as client, with its intermediates after it, if any. Empty: peers prove themselves by <c>KV_CLUSTER_SECRET</c>, or, without
    /// it, not at all.
    /// </summary>
    public string PeerCertificateFile { get; set; } = "";

    /// <summary>The private key of <see cref="PeerCertificateFile"/>, not encrypted; the same file may hold both.</summary>
    public string PeerKeyFile { get; set; } = "";

    /// <summary>The certificates of the authorities whose word makes a peer, with their roots. Nobody else's counts, the system's least of all: whoever they sign is one of the cluster.</summary>
    public string PeerCaFile { get; set; } = "";

    /// <summary>A DNS name that every peer's certificate must carry; empty for none. For an authority that signs others' certificates too.</summary>
    public string PeerName { get; set; } = "";

    /// <summary>How often the files, and that of the API keys, are looked at for something new.</summary>
    public TimeSpan ReloadInterval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>True when peers are known by their certificates.</summary>
    public bool HasPeerFiles => PeerCertificateFile.Length > 0;

    /// <summary>Settings that contradict each other; what is in the files is looked at by whoever loads them.</summary>
    public IEnumerable<string> Validate()
    {
        if ((CertificateFile.Length > 0) != (KeyFile.Length > 0)) yield return "Tls:CertificateFile and Tls:KeyFile go together.";
        if (HasPeerFiles != (PeerKeyFile.Length > 0) || HasPeerFiles != (PeerCaFile.Length > 0))
            yield return "Tls:PeerCertificateFile, Tls:PeerKeyFile and Tls:PeerCaFile go together.";
        if (PeerName.Length > 0 && !HasPeerFiles) yield return "Tls:PeerName needs Tls:PeerCertificateFile.";
        if (PeerName.Length > 0 && Uri.CheckHostName(PeerName) is not UriHostNameType.Dns) yield return $"Tls:PeerName: '{PeerName}' is not a DNS name.";
        if (ReloadInterval < TimeSpan.FromMilliseconds(10)) yield return "Tls:ReloadInterval must be at least 10 milliseconds.";
    }
}
