using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Kv.Common.Identity;

namespace Kv.Common.Topology;

/// <summary>
/// Who is in the cluster, who replicates which shard, and which shard owns which keys, in one epoch. An immutable snapshot, always whole: a request
/// takes one and keeps it. Every shard of the ring has at least one member, and a node is in one shard at most.
/// </summary>
public sealed class ClusterTopology
{
    // By shard id: the ring's shards are numbered from 0 without gaps.
    private readonly ShardMembers[] _byId;
    private readonly Dictionary<NodeAddress, ShardMembers> _byNode = [];

    /// <summary>Members and shards may come in any order. Throws <see cref="ArgumentException"/> when they contradict each other or the ring.</summary>
    public ClusterTopology(ClusterId cluster, Epoch epoch, IEnumerable<NodeAddress> members, IEnumerable<ShardMembers> shards, HashRing ring)
    {
        Cluster = cluster;
        Epoch = epoch;
        Ring = ring;
        Members = [.. members.Order()];
        Shards = [.. shards.Select(shard => shard with { Members = [.. shard.Members.Order()] }).OrderBy(shard => shard.Id)];
        _byId = [.. Shards];

        var known = new HashSet<NodeAddress>(Members);
        if (known.Count != Members.Length) throw new ArgumentException("A member is named twice.", nameof(members));
        if (!Shards.Select(shard => shard.Id).SequenceEqual(ring.Shards))
            throw new ArgumentException("The shards with members are not the shards of the ring.", nameof(shards));
        foreach (var shard in Shards)
        {
            if (shard.Members.IsEmpty) throw new ArgumentException($"Shard {shard.Id} has no member.", nameof(shards));
            foreach (var node in shard.Members)
            {
                if (!known.Contains(node)) throw new ArgumentException($"{node} is in shard {shard.Id} but not a member.", nameof(shards));
                if (!_byNode.TryAdd(node, shard)) throw new ArgumentException($"{node} is placed twice.", nameof(shards));
            }
        }

        Digest = BinaryPrimitives.ReadUInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(CanonicalText())));
    }

    public ClusterId Cluster { get; }

    public Epoch Epoch { get; }

    /// <summary>Every node of the cluster, also those that no shard has yet, ascending.</summary>
    public ImmutableArray<NodeAddress> Members { get; }

    /// <summary>The replica groups, by ascending id.</summary>
    public ImmutableArray<ShardMembers> Shards { get; }

    public HashRing Ring { get; }

    /// <summary>Equal for equal topologies, on every node; different for different ones, but for a chance of 1 in 2^64.</summary>
    public ulong Digest { get; }

    /// <summary>The shard that owns <paramref name="key"/>.</summary>
    public ShardMembers ShardOf(Key key) => _byId[Ring.OwnerOf(key.Position).Value];

    /// <summary>The shard that <paramref name="node"/> replicates; null when it is a member without a shard, or no member.</summary>
    public ShardMembers? ShardOf(NodeAddress node) => _byNode.GetValueOrDefault(node);

    /// <summary>The shard of that id, or null.</summary>
    public ShardMembers? Find(ShardId id) => (uint)id.Value < (uint)_byId.Length ? _byId[id.Value] : null;

    /// <summary>As in <c>epoch 1 of 00d5…: 0{10.10.0.2:8080} 1{10.10.0.3:8080}</c>.</summary>
    public override string ToString() => $"epoch {Epoch} of {Cluster}: {string.Join(' ', Shards)}";

    // One fact a line; neither addresses nor numbers hold a space or a line break, so different topologies have different texts.
    private string CanonicalText()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"topology 1\ncluster {Cluster}\nepoch {Epoch}\n");
        foreach (var member in Members) text.Append(CultureInfo.InvariantCulture, $"member {member}\n");
        foreach (var shard in Shards)
        {
            text.Append(CultureInfo.InvariantCulture, $"shard {shard.Id}\n");
            foreach (var node in shard.Members) text.Append(CultureInfo.InvariantCulture, $"replica {node}\n");
            foreach (var range in Ring.RangesOf(shard.Id)) text.Append(CultureInfo.InvariantCulture, $"owns {range}\n");
        }

        return text.ToString();
    }
}
