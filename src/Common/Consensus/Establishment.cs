using System.Collections.Immutable;
using System.Numerics;
using Kv.Common.Identity;

namespace Kv.Common.Consensus;

/// <summary>
/// Whether one incarnation may vote in the seal, the instance that turns the provisional topology, which has addresses only, into one with incarnations: it
/// may when more than half of the other members of VIEW have recorded it as the first at its address (<see cref="FirstSeen"/>). Alone in VIEW it may at once.
/// <para>
/// Why: let m = n - 1 be the number of the others of address x, and q = ⌊m/2⌋ + 1. If x₁ is established, q of them recorded x₁. Should x₁ lose its disk
/// after a vote and x₂ be made at the same address, x₂ needs q of the same m. Two such sets share 2q - m ≥ 1 members, and each of those has x₁ on its disk
/// and refuses x₂: Taken. So no two incarnations of one address are ever both established, an address has one voter in the seal, and a quorum of
/// addresses is a quorum of voters that forget nothing, which is all that Paxos asks for. A node does not count its own record: it goes with its disk.
/// </para>
/// <para>
/// Assumption: of the others whose record counted, fewer than 2q - m have lost their disks as well when x₂ says hello. 2q - m is 1 for even n and 2 for odd n. So,
/// of disks lost before the seal is decided: one is survived for every n ≥ 2; two are for odd n ≥ 3, but not for even n, where x₂ may be established after the
/// loss of x₁ and of the one recorder that both have in common; three are not survived in general. Any number of lost disks is harmless when none of
/// their nodes had voted, and so is the loss of every node's disk at once, which begins another cluster. Alone (n = 1) there is nobody to
/// remember: a lost disk is a lost cluster. The price is that nobody may vote before more than half of the others have been up at the address list's
/// members: with n = 2 and n = 3 all of them.
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
