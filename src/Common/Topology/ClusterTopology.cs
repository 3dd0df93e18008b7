using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Kv.Common.Consensus;
using Kv.Common.Identity;

namespace Kv.Common.Topology;

/// <summary>
/// Who is in the cluster, who replicates which shard, which shard owns which keys, and who decides what comes next, in one epoch. An immutable
/// snapshot, always whole: a request takes one and keeps it. Every shard of the ring has at least one member, and a node is in one shard at most.
/// </summary>
public sealed class ClusterTopology : IEpochValue
{
    /// <summary>Who wished for a change learns of it within that many further ones.</summary>
    public const int MostRecentOperations = 32;

    /// <summary>How many of <see cref="Removed"/> are remembered.</summary>
    public const int MostRemoved = 64;

    // By shard id: the ring's shards are numbered from 0 without gaps.
    private readonly ShardMembers[] _byId;
    private readonly Dictionary<NodeAddress, ShardMembers> _byNode = [];
    private readonly Dictionary<NodeAddress, Incarnation> _incarnations = [];
    private readonly Lazy<ulong> _digest;

    /// <summary>Members and shards may come in any order. Throws <see cref="ArgumentException"/> when they contradict each other or the ring.</summary>
    public ClusterTopology(ClusterId cluster, Epoch epoch, IEnumerable<TopologyMember> members, IEnumerable<ShardMembers> shards, HashRing ring)
    {
        Cluster = cluster;
        Epoch = epoch;
        Ring = ring;
        foreach (var member in members)
        {
            if (!_incarnations.TryAdd(member.Address, member.Incarnation)) throw new ArgumentException("A member is named twice.", nameof(members));
        }

        Members = [.. _incarnations.Keys.Order()];
        Shards = [.. shards.Select(Sorted).OrderBy(shard => shard.Id)];
        _byId = [.. Shards];
        if (!Shards.Select(shard => shard.Id).SequenceEqual(ring.Shards))
            throw new ArgumentException("The shards with members are not the shards of the ring.", nameof(shards));
        foreach (var shard in Shards)
        {
            if (shard.Members.IsEmpty) throw new ArgumentException($"Shard {shard.Id} has no member.", nameof(shards));
            foreach (var node in shard.Replicas)
            {
                if (!_incarnations.ContainsKey(node)) throw new ArgumentException($"{node} is in shard {shard.Id} but not a member.", nameof(shards));
                if (!_byNode.TryAdd(node, shard)) throw new ArgumentException($"{node} is placed twice.", nameof(shards));
            }
        }

        _digest = new(() => BinaryPrimitives.ReadUInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(TopologyText.Write(this)))));
    }

    public ClusterId Cluster { get; }

    public Epoch Epoch { get; }

    /// <summary>The digest of the topology that this one follows; zero for the first.</summary>
    public ulong ParentDigest { get; init; }

    /// <summary>Every node of the cluster, also those that no shard has yet, ascending.</summary>
    public ImmutableArray<NodeAddress> Members { get; }

    /// <summary>The replica groups, by ascending id.</summary>
    public ImmutableArray<ShardMembers> Shards { get; }

    public HashRing Ring { get; }

    /// <summary>Those who decide the next epoch, by address; at most <see cref="EpochValues.MostAcceptors"/> once the cluster is sealed.</summary>
    public ImmutableArray<Acceptor> Acceptors { get; init; } = [];

    /// <summary>The wishes that were fulfilled last, the newest last.</summary>
    public ImmutableArray<OperationId> RecentOperations { get; init; } = [];

    /// <summary>
    /// Those who were removed, the newest last: they end as soon as they learn of it, and are not let in again, with the data of a shard that they are no part
    /// of. Who comes in their place is another incarnation. As many as could still be about.
    /// </summary>
    public ImmutableArray<Incarnation> Removed { get; init; } = [];

    /// <summary>False for the topology that VIEW and SHARD_COUNT give: it names addresses but nobody, so nothing can be changed before it is sealed.</summary>
    public bool IsSealed => Epoch > Epoch.First;

    /// <summary>Equal for equal topologies, on every node; different for different ones, but for a chance of 1 in 2^64.</summary>
    public ulong Digest => _digest.Value;

    /// <summary>The shard that owns <paramref name="key"/>.</summary>
    public ShardMembers ShardOf(Key key) => _byId[Ring.OwnerOf(key.Position).Value];

    /// <summary>The shard that <paramref name="node"/> serves; null when it serves none, joins one, or is no member.</summary>
    public ShardMembers? ShardOf(NodeAddress node) => _byNode.GetValueOrDefault(node) is { } shard && shard.Includes(node) ? shard : null;

    /// <summary>The shard that <paramref name="node"/> serves, joins or leaves; null when there is none.</summary>
    public ShardMembers? ReplicatedBy(NodeAddress node) => _byNode.GetValueOrDefault(node);

    /// <summary>What <paramref name="node"/> itself, and not merely whoever is at its address, is to do.</summary>
    public Placement PlaceOf(NodeIdentity node) =>
        IsMember(node) && ReplicatedBy(node.Address) is { } shard ? Placement.In(shard, node.Address) : Placement.None;

    /// <summary>The shard of that id, or null.</summary>
    public ShardMembers? Find(ShardId id) => (uint)id.Value < (uint)_byId.Length ? _byId[id.Value] : null;

    /// <summary>True when the address is a member's, whoever is there.</summary>
    public bool Includes(NodeAddress node) => _incarnations.ContainsKey(node);

    /// <summary>Who was admitted at an address; none when nobody was, or the address is no member's.</summary>
    public Incarnation IncarnationAt(NodeAddress node) => _incarnations.GetValueOrDefault(node);

    /// <summary>True when <paramref name="node"/> itself, and not merely its address, is a member. Before the seal the address is all there is.</summary>
    public bool IsMember(NodeIdentity node) =>
        node.Cluster == Cluster && _incarnations.TryGetValue(node.Address, out var incarnation) && (!IsSealed || incarnation == node.Incarnation);

    /// <summary>As in <c>epoch 1 of 00d5…: 0{10.10.0.2:8080} 1{10.10.0.3:8080}</c>.</summary>
    public override string ToString() => $"epoch {Epoch} of {Cluster}: {string.Join(' ', Shards)}";

    private static ShardMembers Sorted(ShardMembers shard) =>
        shard with { Members = [.. shard.Members.Order()], Joining = [.. shard.Joining.Order()], Leaving = [.. shard.Leaving.Order()] };
}
