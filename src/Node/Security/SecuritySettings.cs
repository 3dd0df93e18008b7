namespace Kv.Node.Security;

/// <summary>What a node is told about its security.</summary>
/// <param name="Tls">Which files.</param>
/// <param name="Secret"><c>KV_CLUSTER_SECRET</c>; empty for none.</param>
/// <param name="OtherSecrets"><c>KV_ACCEPTED_SECRETS</c>: those that are accepted as well.</param>
/// <param name="ApiKeysFile"><c>KV_API_KEYS_FILE</c>; empty for none.</param>
internal sealed record SecuritySettings(TlsOptions Tls, byte[] Secret, IReadOnlyList<byte[]> OtherSecrets, string ApiKeysFile)
{
    /// <summary>What is open to anybody who reaches a port, one thing each, with what to set; empty when nothing is.</summary>
    public IEnumerable<string> Open()
    {
        if (!Tls.HasPeerFiles && Secret.Length == 0) yield return "anybody can join the cluster as a node (Tls:PeerCertificateFile, or KV_CLUSTER_SECRET)";
        if (ApiKeysFile.Length == 0) yield return "anybody can read, write and reshard over REST (KV_API_KEYS_FILE)";
        if (Tls.CertificateFile.Length == 0) yield return $"REST {(ApiKeysFile.Length > 0 ? "and its API keys are" : "is")} in cleartext (Tls:CertificateFile)";
        if (Secret.Length == 0) yield return "causal metadata can be forged (KV_CLUSTER_SECRET)";
        else if (Secret.Length < 16) yield return "KV_CLUSTER_SECRET is short enough to be guessed (openssl rand -base64 32 makes one)";
    }
}
