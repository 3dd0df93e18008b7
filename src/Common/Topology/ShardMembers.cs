using System.Collections.Immutable;
using Kv.Common.Identity;

namespace Kv.Common.Topology;

/// <summary>One shard's replica group, by address, ascending. Equal when it is the same shard with the same members.</summary>
public sealed record ShardMembers(ShardId Id, ImmutableArray<NodeAddress> Members)
{
    public bool Includes(NodeAddress node) => Members.Contains(node);

    public bool Equals(ShardMembers? other) => other is not null && Id == other.Id && Members.AsSpan().SequenceEqual(other.Members.AsSpan());

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.Add(Id);
        foreach (var member in Members) hash.Add(member);
        return hash.ToHashCode();
    }

    /// <summary>As in <c>0{10.10.0.2:8080, 10.10.0.4:8080}</c>.</summary>
    public override string ToString() => $"{Id}{{{string.Join(", ", Members)}}}";
}
