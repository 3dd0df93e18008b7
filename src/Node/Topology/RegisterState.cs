using Kv.Common.Consensus;
using Kv.Common.Identity;
using Kv.Common.Topology;

namespace Kv.Node.Topology;

/// <summary>All that a node must not forget about the topology.</summary>
/// <param name="Acceptor">The topology it acts on, and its votes on the next one.</param>
/// <param name="FirstSeen">Whom it met first at each address while the cluster formed.</param>
/// <param name="WasMember">True once a topology named this very node, or VIEW its address: if a sealed one has its address no more, it was removed.</param>
/// <param name="IsUninvited">True for a node made in the place of one that was removed: it does not ask to be admitted, an operator does.</param>
internal sealed record RegisterState(AcceptorState<ClusterTopology> Acceptor, FirstSeen FirstSeen, bool WasMember, bool IsUninvited)
{
    /// <summary>The state of a node that has just been made.</summary>
    public static RegisterState New(NodeIdentity self, TopologyOrigin origin) =>
        new(new AcceptorState<ClusterTopology>(new Acceptor(self.Address, self.Incarnation), origin.Known), FirstSeen.Nobody, false, origin.IsUninvited);

    /// <summary>
    /// The state after a decided topology became known. Throws <see cref="InvalidOperationException"/> when it contradicts the known one, and
    /// <see cref="RemovedFromClusterException"/> when this node cannot go on with what it holds.
    /// </summary>
    public RegisterState Learn(ClusterTopology topology, NodeIdentity self)
    {
        var acceptor = Acceptor.Learn(topology);
        if (ReferenceEquals(acceptor, Acceptor)) return this;
        if (IsDisplaced(acceptor.Chosen, self) || IsLetInAgain(acceptor.Chosen, self)) throw new RemovedFromClusterException(acceptor.Chosen);
        return this with { Acceptor = acceptor, WasMember = WasMember || (acceptor.Chosen.IsSealed && acceptor.Chosen.IsMember(self)) || IsDroppedFromView(acceptor.Chosen, self) };
    }

    // The seal names every address of VIEW. A node that was cut off from before the seal until after its removal has served its shard meanwhile, by VIEW:
    // were it to join as if it were new, it would have the data of a shard that is not its own. So would one that was made anew at a member's address, served by
    // VIEW, and saw the address removed before it was admitted.
    private bool IsDroppedFromView(ClusterTopology next, NodeIdentity self) => Acceptor.Chosen.Includes(self.Address) && !next.Includes(self.Address);

    // Its own wish to be admitted, from before it saw its address removed, may be decided after that: it would be let in with the data of a shard that it is no
    // part of.
    private bool IsLetInAgain(ClusterTopology next, NodeIdentity self) => WasMember && !Acceptor.Chosen.Includes(self.Address) && next.IsMember(self);

    // A member keeps its shard until it is removed. One that was removed and let in again before it learned of either still holds its former shard: were it
    // given another one, it would broadcast what it holds there, and clients would find their keys in two shards.
    // So would one that was made anew and served by VIEW, at an address whose shard has changed since the cluster was founded, whoever is admitted there; and one that was
    // made anew at a member's address, and did not hear of the address's removal before it was admitted.
    // A reshard gives nodes other shards by right, and what they held before has a group by which it is known.
    private bool IsDisplaced(ClusterTopology next, NodeIdentity self) =>
        Acceptor.Chosen.Layout == next.Layout
        && Acceptor.Chosen.ReplicatedBy(self.Address) is { } former
        && (next.IsMember(self) || (!Acceptor.Chosen.IsSealed && next.Includes(self.Address)))
        && next.ReplicatedBy(self.Address)?.Id != former.Id;
}
