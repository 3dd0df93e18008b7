using System.Collections.Immutable;
using System.Numerics;
using Kv.Common.Identity;

namespace Kv.Common.Consensus;

/// <summary>
/// Whether one incarnation may vote in the seal, the instance that turns the provisional topology, which has addresses only, into one with incarnations: it
/// may when more than half of the other members of VIEW have recorded it as the first at its address (<see cref="FirstSeen"/>). Alone in VIEW it may at once.
/// <para>
/// Why: let m = n - 1 be the number of the others of address x, and q = ⌊m/2⌋ + 1. If x₁ is established, q of them recorded x₁. Should x₁ lose its disk
/// after a promise or a vote and x₂ be made at the same address, x₂ needs q of the same m. Two such sets share at least 2q - m ≥ 1 members, and each of
/// those has x₁ on its disk and refuses x₂ (<see cref="HelloReply.Taken"/>). So no two incarnations of one address are ever both established, each address
/// has one voter in the seal, and a quorum of addresses is a quorum of voters that forget nothing, which is all that Paxos asks for. A node does not
/// count its own record: it goes with its disk. x₂ is admitted later, as a new member.
/// </para>
/// <para>
/// Assumption: fewer than 2q - m of those who recorded x₁ have lost their disks too when x₂ says hello to them; 2q - m is 1 for even n and 2 for odd n.
/// So, of disks lost between the first hello and the seal: one is survived for every n ≥ 2, whichever it is and whenever; two for every odd n ≥ 3. Not
/// survived: for even n, the loss of one that had answered in the seal and of the one recorder that the two majorities may share; for odd n, of such a one
/// and of two such recorders; and alone (n = 1), where nobody is left to remember, any loss. Lost disks of nodes that had answered nothing in the seal
/// are harmless in any number, and so is the loss of all disks at once, which begins another cluster.
/// </para>
/// <para>
/// The price: a node is established only once more than half of the others have been up, with n = 2 and n = 3 all of them. A lost disk before the seal leaves
/// the address without a vote: with n = 2 there is then no quorum, and an operator has to start the formation again.
/// </para>
/// Immutable. Need not be persisted: the others answer a repeated hello as they did the first.
/// </summary>
public sealed record Establishment
{
    private readonly ImmutableArray<NodeAddress> _others;
    private BigInteger _recorders;

    /// <summary>Throws <see cref="ArgumentException"/> unless <paramref name="self"/> is in <paramref name="view"/>, and every address there once.</summary>
    public Establishment(IReadOnlyCollection<NodeAddress> view, NodeAddress self)
    {
        _others = [.. view.Where(address => !address.Equals(self)).Distinct()];
        if (_others.Length != view.Count - 1) throw new ArgumentException($"{self} is not in the view, or an address is in it twice.", nameof(view));
    }

    public bool IsEstablished => _others.IsEmpty || BigInteger.PopCount(_recorders) > _others.Length / 2;

    /// <summary>The others that have not recorded this incarnation.</summary>
    public ImmutableArray<NodeAddress> Missing => [.. _others.Where((_, index) => (_recorders >> index).IsEven)];

    /// <summary>
    /// The node at that address answered this incarnation's own hello with <see cref="HelloReply.Recorded"/>. Each address counts once; addresses
    /// outside VIEW and the node's own do not count.
    /// </summary>
    public Establishment RecordedBy(NodeAddress other)
    {
        var index = _others.IndexOf(other);
        return index < 0 ? this : this with { _recorders = _recorders | (BigInteger.One << index) };
    }
}
