using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Kv.Common.Causality;
using Kv.Common.Consensus;
using Kv.Common.Identity;

namespace Kv.Common.Topology;

/// <summary>
/// Who is in the cluster, who replicates which shard, which shard owns which keys, and who decides what comes next, in one epoch; also how many shards there
/// were before, and what a reshard under way leads to. An immutable snapshot, always whole: a request takes one and keeps it. Every shard of the ring has at
/// least one member, and a node is in one shard at most.
/// </summary>
public sealed class ClusterTopology : IEpochValue
{
    /// <summary>Who wished for a change learns of it within that many further ones.</summary>
    public const int MostRecentOperations = 32;

    /// <summary>How many of <see cref="Removed"/> are remembered.</summary>
    public const int MostRemoved = 64;

    private readonly ShardMap _map;
    private readonly Dictionary<NodeAddress, Incarnation> _incarnations = [];
    private readonly Lazy<ulong> _digest;

    /// <summary>As the other one, in the first layout.</summary>
    public ClusterTopology(ClusterId cluster, Epoch epoch, IEnumerable<TopologyMember> members, IEnumerable<ShardMembers> shards, HashRing ring)
        : this(cluster, epoch, members, shards, [ring.ShardCount])
    {
    }

    /// <summary>
    /// Members and shards may come in any order; <paramref name="layouts"/> as in <see cref="Layouts"/>. Throws <see cref="ArgumentException"/> when they
    /// contradict each other, or there is no such layout.
    /// </summary>
    public ClusterTopology(ClusterId cluster, Epoch epoch, IEnumerable<TopologyMember> members, IEnumerable<ShardMembers> shards, ImmutableArray<int> layouts)
    {
        if (layouts.IsDefaultOrEmpty) throw new ArgumentException("There is no layout.", nameof(layouts));
        if (layouts.Any(count => count is < 0 or > HashRing.MostShards) || layouts[0] == 0) throw new ArgumentException("A layout has a number of shards that no ring has.", nameof(layouts));
        Cluster = cluster;
        Epoch = epoch;
        Layouts = layouts;
        Layout = layouts.Length - 1;
        while (layouts[Layout] == 0) Layout--;
        foreach (var member in members)
        {
            if (!_incarnations.TryAdd(member.Address, member.Incarnation)) throw new ArgumentException("A member is named twice.", nameof(members));
        }

        // Before the ring is made: one of thousands of shards takes seconds, and anybody can send a line that asks for it.
        if (layouts[Layout] > _incarnations.Count) throw new ArgumentException("There are fewer members than shards.", nameof(members));
        Ring = HashRing.For(layouts[Layout]);

        Members = [.. _incarnations.Keys.Order()];
        _map = new(Ring, shards);
        RequireMembers(_map.Nodes, nameof(shards));
        _digest = new(() => BinaryPrimitives.ReadUInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(TopologyText.Write(this)))));
    }

    public ClusterId Cluster { get; }

    public Epoch Epoch { get; }

    /// <summary>The digest of the topology that this one follows; zero for the first.</summary>
    public ulong ParentDigest { get; init; }

    /// <summary>Every node of the cluster, also those that no shard has yet, ascending.</summary>
    public ImmutableArray<NodeAddress> Members { get; }

    /// <summary>The shards of today's layout, by ascending id.</summary>
    public ImmutableArray<ShardMembers> Shards => _map.Shards;

    /// <summary>
    /// How many shards each layout had, from the first one on; the last is in force. With it, who owned which keys when (<see cref="HashRing.For"/>). Zero for those that are never
    /// used, because others may have: who was given up in a forced recovery.
    /// </summary>
    public ImmutableArray<int> Layouts { get; }

    /// <summary>The index of the layout in force.</summary>
    public int Layout { get; }

    /// <summary>The ring of the layout in force.</summary>
    public HashRing Ring { get; }

    /// <summary>The reshard under way, to the layout after the one in force; null when there is none.</summary>
    public Transition? Transition
    {
        get;
        init
        {
            if (value is not null)
            {
                if (value.Layout != Layouts.Length) throw new ArgumentException($"A reshard leads to layout {Layouts.Length}, not {value.Layout}.", nameof(value));
                RequireMembers(value.Nodes, nameof(value));
            }

            field = value;
        }
    }

    /// <summary>How the last reshard ended; null when none did.</summary>
    public ReshardEnd? LastReshard { get; init; }

    /// <summary>The layout in force and the reshard under way.</summary>
    public LayoutScope Scope => new(Layout, Transition?.Id ?? default);

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

    /// <summary>The group that a shard of today is.</summary>
    public ReplicaGroup GroupOf(ShardId shard) => new(Layout, shard);

    /// <summary>
    /// The ring of a layout up to the one in force, or of the one that a reshard under way leads to. Throws <see cref="ArgumentOutOfRangeException"/> for
    /// any other.
    /// </summary>
    public HashRing RingOf(int layout) => Knows(layout)
        ? layout == Transition?.Layout ? Transition.Ring : HashRing.For(Layouts[layout])
        : throw new ArgumentOutOfRangeException(nameof(layout), layout, $"The layouts known in epoch {Epoch} are 0 to {Layout}.");

    /// <summary>True for a layout of this cluster's history, and for the one that a reshard under way leads to.</summary>
    public bool Knows(int layout) => (uint)layout < (uint)Layouts.Length ? Layouts[layout] > 0 : layout == Transition?.Layout;

    /// <summary>
    /// True when some position was <paramref name="group"/>'s in its layout and is <paramref name="owner"/>'s in the owner's: what the one wrote may matter to the
    /// other. False when either layout is not known here. Takes constant time and allocates nothing, but for the first time that two layouts meet.
    /// </summary>
    public bool Concerns(ReplicaGroup group, ReplicaGroup owner) =>
        Knows(group.Layout) && Knows(owner.Layout) && RingOf(group.Layout).Overlaps(group.Shard, RingOf(owner.Layout), owner.Shard);

    /// <summary>Those of <paramref name="dots"/> whose group <see cref="Concerns"/> <paramref name="owner"/>; the same object when all do.</summary>
    public VersionVector Concerning(ReplicaGroup owner, VersionVector dots)
    {
        for (var i = 0; i < dots.Count; i++)
        {
            if (!Concerns(dots[i].Origin.Group, owner)) return dots.OfGroups(group => Concerns(group, owner));
        }

        return dots;
    }

    /// <summary>The shard that owns <paramref name="key"/>.</summary>
    public ShardMembers ShardOf(Key key) => _map.ShardOf(key);

    /// <summary>The shard that <paramref name="node"/> serves; null when it serves none, joins one, or is no member.</summary>
    public ShardMembers? ShardOf(NodeAddress node) => _map.ReplicatedBy(node) is { } shard && shard.Includes(node) ? shard : null;

    /// <summary>The shard that <paramref name="node"/> serves, joins or leaves; null when there is none.</summary>
    public ShardMembers? ReplicatedBy(NodeAddress node) => _map.ReplicatedBy(node);

    /// <summary>What <paramref name="node"/> itself, and not merely whoever is at its address, is to do.</summary>
    public Placement PlaceOf(NodeIdentity node) =>
        IsMember(node) && ReplicatedBy(node.Address) is { } shard ? Placement.In(shard, node.Address) : Placement.None;

    /// <summary>The shard of that id, or null.</summary>
    public ShardMembers? Find(ShardId id) => _map.Find(id);

    /// <summary>True when the address is a member's, whoever is there.</summary>
    public bool Includes(NodeAddress node) => _incarnations.ContainsKey(node);

    /// <summary>Who was admitted at an address; none when nobody was, or the address is no member's.</summary>
    public Incarnation IncarnationAt(NodeAddress node) => _incarnations.GetValueOrDefault(node);

    /// <summary>True when <paramref name="node"/> itself, and not merely its address, is a member. Before the seal the address is all there is.</summary>
    public bool IsMember(NodeIdentity node) =>
        node.Cluster == Cluster && _incarnations.TryGetValue(node.Address, out var incarnation) && (!IsSealed || incarnation == node.Incarnation);

    /// <summary>As in <c>epoch 1 of 00d5…: 0{10.10.0.2:8080} 1{10.10.0.3:8080}</c>, and the reshard under way.</summary>
    public override string ToString() => $"epoch {Epoch} of {Cluster}: {string.Join(' ', Shards)}{(Transition is null ? "" : $", {Transition}")}";

    private void RequireMembers(IEnumerable<NodeAddress> placed, string parameter)
    {
        if (placed.FirstOrDefault(node => !_incarnations.ContainsKey(node)) is { } stranger) throw new ArgumentException($"{stranger} is in a shard but not a member.", parameter);
    }
}
