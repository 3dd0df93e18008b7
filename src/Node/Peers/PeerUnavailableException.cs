using Kv.Common.Identity;

namespace Kv.Node.Peers;

/// <summary>A peer cannot be reached, went away, or refused the call.</summary>
internal sealed class PeerUnavailableException(NodeAddress peer, string reason, Exception? inner = null)
    : Exception($"{peer}: {reason}", inner)
{
    public NodeAddress Peer { get; } = peer;
}
