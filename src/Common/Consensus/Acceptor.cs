using Kv.Common.Identity;

namespace Kv.Common.Consensus;

/// <summary>
/// One of those who decide the next epoch: an incarnation at an address, so that a node which lost its disk, and with it its votes, is somebody else.
/// An incarnation of none stands for whoever is established at the address (<see cref="Establishment"/>); only the provisional topology has such entries.
/// </summary>
public readonly record struct Acceptor(NodeAddress Address, Incarnation Incarnation)
{
    /// <summary>True when this entry of a topology stands for <paramref name="node"/>, which names itself by its incarnation.</summary>
    public bool StandsFor(Acceptor node) => Address.Equals(node.Address) && (Incarnation.IsNone || Incarnation == node.Incarnation);

    /// <summary>As in <c>10.10.0.2:8080 (00000000000000a1)</c>, or the address alone.</summary>
    public override string ToString() => Incarnation.IsNone ? $"{Address}" : $"{Address} ({Incarnation})";
}
