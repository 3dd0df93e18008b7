using System.Collections.Immutable;
using Kv.Common.Identity;

namespace Kv.Common.Topology;

/// <summary>
/// A reshard under way: the ring and the shards to be. Until it is committed they own nothing; those placed in them are being filled. Every shard to be has
/// at least one member, and a node is in one of them at most. Immutable.
/// </summary>
public sealed class Transition
{
    private readonly ShardMap _map;

    /// <summary>
    /// Of the shards, <see cref="ShardMembers.Members"/> were alive when it began, and <see cref="ShardMembers.Joining"/> are placed there although they were
    /// not. Throws <see cref="ArgumentException"/> when the shards contradict each other or the ring, and when the id is zero, which stands for no reshard.
    /// </summary>
    public Transition(OperationId id, Epoch begun, int layout, HashRing ring, IEnumerable<ShardMembers> shards)
    {
        if (id == default) throw new ArgumentException("A reshard has an id.", nameof(id));
        Id = id;
        Begun = begun;
        Layout = layout;
        Ring = ring;
        _map = new(ring, shards);
        if (Shards.Any(shard => !shard.Leaving.IsEmpty)) throw new ArgumentException("Nobody leaves a shard that is yet to be.", nameof(shards));
    }

    /// <summary>The wish that began it.</summary>
    public OperationId Id { get; }

    /// <summary>The first epoch that knows of it.</summary>
    public Epoch Begun { get; }

    /// <summary>The index that its layout has if it is committed: one more than today's.</summary>
    public int Layout { get; }

    public HashRing Ring { get; }

    /// <summary>The shards to be, by ascending id.</summary>
    public ImmutableArray<ShardMembers> Shards => _map.Shards;

    /// <summary>The group that a shard to be is.</summary>
    public ReplicaGroup GroupOf(ShardId shard) => new(Layout, shard);

    /// <summary>The shard that is to own <paramref name="key"/>.</summary>
    public ShardMembers ShardOf(Key key) => _map.ShardOf(key);

    /// <summary>The shard that <paramref name="node"/> is placed in, or null.</summary>
    public ShardMembers? ReplicatedBy(NodeAddress node) => _map.ReplicatedBy(node);

    /// <summary>The shard to be of that id, or null.</summary>
    public ShardMembers? Find(ShardId id) => _map.Find(id);

    /// <summary>As in <c>reshard 77aa… to 0{10.10.0.2:8080, 10.10.0.3:8080}</c>.</summary>
    public override string ToString() => $"reshard {Id} to {string.Join(' ', Shards)}";

    /// <summary>Everybody who is placed.</summary>
    internal IReadOnlyCollection<NodeAddress> Nodes => _map.Nodes;
}
