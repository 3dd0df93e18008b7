using Kv.Common.Identity;

namespace Kv.Node.Replica;

/// <summary>Told how far each member of the shard holds this node's own writes durably.</summary>
internal interface IDurabilityObserver
{
    /// <summary>The member at <paramref name="member"/>, now <paramref name="incarnation"/>, holds everything up to <paramref name="sequence"/>.</summary>
    void Acknowledged(NodeAddress member, Incarnation incarnation, ulong sequence);
}
