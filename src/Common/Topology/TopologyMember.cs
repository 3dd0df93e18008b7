using Kv.Common.Identity;

namespace Kv.Common.Topology;

/// <summary>A node of the cluster: where it is and who it is. No incarnation: VIEW named the address, and nobody has been admitted there yet.</summary>
public readonly record struct TopologyMember(NodeAddress Address, Incarnation Incarnation)
{
    /// <summary>As in <c>10.10.0.2:8080 5f0c2a7b91e4d386</c>.</summary>
    public override string ToString() => $"{Address} {Incarnation}";
}
