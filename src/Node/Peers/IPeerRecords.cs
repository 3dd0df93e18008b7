using Kv.Common.Identity;
using Kv.Common.Replication;

namespace Kv.Node.Peers;

/// <summary>
/// Looks at single records on other nodes, for people. Apart from <see cref="IPeerTransport"/>, because nothing that the cluster does may depend on it.
/// </summary>
internal interface IPeerRecords
{
    /// <summary>
    /// What <paramref name="peer"/> holds of <paramref name="key"/>, a tombstone too; null when nothing. Fails with <see cref="PeerUnavailableException"/> when it does not answer, or does
    /// not understand.
    /// </summary>
    ValueTask<WriteRecord?> LookUpAsync(NodeAddress peer, Key key, CancellationToken cancellation);
}
