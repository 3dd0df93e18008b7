using System.Collections.Immutable;
using Kv.Common.Identity;

namespace Kv.Common.Topology;

/// <summary>
/// One shard's replica group, by address, ascending. <see cref="Members"/> serve it and count for write concern; <see cref="Joining"/> get every write
/// and what was there before, and serve nothing until they hold all of it; <see cref="Leaving"/> serve no more and hand over what only they hold.
/// Equal when it is the same shard with the same nodes.
/// </summary>
public sealed record ShardMembers(ShardId Id, ImmutableArray<NodeAddress> Members)
{
    /// <summary>On their way to become members.</summary>
    public ImmutableArray<NodeAddress> Joining { get; init; } = [];

    /// <summary>On their way out.</summary>
    public ImmutableArray<NodeAddress> Leaving { get; init; } = [];

    /// <summary>Everyone who holds some of the shard: members, joining and leaving.</summary>
    public IEnumerable<NodeAddress> Replicas => Joining.IsEmpty && Leaving.IsEmpty ? Members : Members.Concat(Joining).Concat(Leaving).Order();

    public bool Includes(NodeAddress node) => Members.Contains(node);

    /// <summary>True for members, for those that join and for those that leave.</summary>
    public bool IsReplicatedBy(NodeAddress node) => Members.Contains(node) || Joining.Contains(node) || Leaving.Contains(node);

    /// <summary>The same shard without that node in any role.</summary>
    public ShardMembers Without(NodeAddress node) =>
        this with { Members = Members.Remove(node), Joining = Joining.Remove(node), Leaving = Leaving.Remove(node) };

    public bool Equals(ShardMembers? other) =>
        other is not null
        && Id == other.Id
        && Members.AsSpan().SequenceEqual(other.Members.AsSpan())
        && Joining.AsSpan().SequenceEqual(other.Joining.AsSpan())
        && Leaving.AsSpan().SequenceEqual(other.Leaving.AsSpan());

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.Add(Id);
        foreach (var replica in Replicas) hash.Add(replica);
        return hash.ToHashCode();
    }

    /// <summary>As in <c>0{10.10.0.2:8080, 10.10.0.4:8080 + 10.10.0.8:8080 - 10.10.0.6:8080}</c>: who joins after the plus sign, who leaves after the minus sign.</summary>
    public override string ToString() => $"{Id}{{{string.Join(", ", Members)}{Signed('+', Joining)}{Signed('-', Leaving)}}}";

    private static string Signed(char sign, ImmutableArray<NodeAddress> nodes) => nodes.IsEmpty ? "" : $" {sign} {string.Join(", ", nodes)}";
}
