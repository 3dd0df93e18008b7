using System.Collections.Immutable;
using Kv.Common.Identity;

namespace Kv.Common.Topology;

/// <summary>The nodes of every shard of a ring. Every shard has at least one member, and a node is in one shard at most. Immutable.</summary>
internal sealed class ShardMap
{
    private readonly HashRing _ring;
    private readonly Dictionary<NodeAddress, ShardMembers> _byNode = [];

    /// <summary>Shards and their nodes may come in any order. Throws <see cref="ArgumentException"/> when they contradict each other or the ring.</summary>
    public ShardMap(HashRing ring, IEnumerable<ShardMembers> shards)
    {
        _ring = ring;
        Shards = [.. shards.Select(Sorted).OrderBy(shard => shard.Id)];
        if (!Shards.Select(shard => shard.Id).SequenceEqual(ring.Shards))
            throw new ArgumentException("The shards with members are not the shards of the ring.", nameof(shards));
        foreach (var shard in Shards)
        {
            if (shard.Members.IsEmpty) throw new ArgumentException($"Shard {shard.Id} has no member.", nameof(shards));
            foreach (var node in shard.Replicas)
            {
                if (!_byNode.TryAdd(node, shard)) throw new ArgumentException($"{node} is placed twice.", nameof(shards));
            }
        }
    }

    /// <summary>By ascending id: the shards of a ring are numbered from 0 without gaps.</summary>
    public ImmutableArray<ShardMembers> Shards { get; }

    /// <summary>Every node that is placed, in no order.</summary>
    public IReadOnlyCollection<NodeAddress> Nodes => _byNode.Keys;

    /// <summary>The shard that owns <paramref name="key"/>.</summary>
    public ShardMembers ShardOf(Key key) => Shards[_ring.OwnerOf(key.Position).Value];

    /// <summary>The shard that <paramref name="node"/> is in, in whatever role, or null.</summary>
    public ShardMembers? ReplicatedBy(NodeAddress node) => _byNode.GetValueOrDefault(node);

    /// <summary>The shard of that id, or null.</summary>
    public ShardMembers? Find(ShardId id) => (uint)id.Value < (uint)Shards.Length ? Shards[id.Value] : null;

    private static ShardMembers Sorted(ShardMembers shard) =>
        shard with { Members = [.. shard.Members.Order()], Joining = [.. shard.Joining.Order()], Leaving = [.. shard.Leaving.Order()] };
}
