using Kv.Common.Causality;
using Kv.Common.Identity;

namespace Kv.Node.Replica;

/// <summary>Told how far each peer holds this node's own writes durably.</summary>
internal interface IDurabilityObserver
{
    /// <summary>The peer at <paramref name="peer"/>, now <paramref name="incarnation"/>, is sent this node's writes, and holds what <paramref name="vector"/> covers of those that are for it.</summary>
    void Acknowledged(NodeAddress peer, Incarnation incarnation, VersionVector vector);

    /// <summary>The stream to that peer has ended: what it acknowledged holds, and more does not come.</summary>
    void Lost(NodeAddress peer);
}
