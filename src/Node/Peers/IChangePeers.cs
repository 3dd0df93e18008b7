using Kv.Common.Identity;
using Kv.Node.Changes;

namespace Kv.Node.Peers;

/// <summary>
/// The change feed's way to other nodes, over a connection of its own. Both fail with <see cref="PeerUnavailableException"/> when the peer cannot be reached, goes away or refuses.
/// </summary>
internal interface IChangePeers
{
    /// <summary>Asks the peer's replica what there is.</summary>
    ValueTask<ChangeAnswer> AskAsync(NodeAddress peer, ChangeQuestion question, CancellationToken cancellation);

    /// <summary>Asks the peer's replica for all there is.</summary>
    IAsyncEnumerable<ChangePiece> ScanAsync(NodeAddress peer, ChangeScan scan, CancellationToken cancellation);
}
