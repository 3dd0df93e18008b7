using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Kv.Common.Consensus;
using Kv.Common.Identity;

namespace Kv.Common.Topology;

/// <summary>
/// The first topology of a cluster, as every one of its nodes works it out alone from VIEW and SHARD_COUNT: nodes that were given the same members and
/// the same number of shards, in whatever order, arrive at the same topology with the same cluster id.
/// </summary>
public static class Genesis
{
    /// <summary>
    /// Members are sorted by address and dealt to the shards in turn, the first to shard 0, the second to shard 1, and so on round.
    /// Throws <see cref="ArgumentException"/> when a member is named twice or some shard would have none.
    /// </summary>
    public static ClusterTopology Provisional(IReadOnlyCollection<NodeAddress> view, int shardCount)
    {
        NodeAddress[] members = [.. view.Order()];
        var repeated = members.Zip(members.Skip(1)).FirstOrDefault(pair => pair.First.Equals(pair.Second)).First;
        if (repeated is not null) throw new ArgumentException($"{repeated} is in the view twice.", nameof(view));
        if (shardCount < 1) throw new ArgumentException($"The number of shards is {shardCount}; it must be at least 1.", nameof(shardCount));
        if (shardCount > members.Length)
            throw new ArgumentException($"{shardCount} shards need at least as many nodes; the view has {members.Length}.", nameof(shardCount));

        var ring = HashRing.For(shardCount);
        var shards = ring.Shards.Select(id => new ShardMembers(id, [.. members.Where((_, turn) => turn % shardCount == id.Value)]));
        return new(ClusterOf(members, shardCount), Epoch.First, members.Select(member => new TopologyMember(member, default)), shards, ring)
        {
            Acceptors = [.. members.Select(member => new Acceptor(member, default))],
        };
    }

    private static ClusterId ClusterOf(NodeAddress[] sorted, int shardCount)
    {
        var canonical = string.Create(CultureInfo.InvariantCulture, $"cluster 1\n{string.Join('\n', sorted.AsEnumerable())}\nshards {shardCount}\n");
        return new(BinaryPrimitives.ReadUInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(canonical))));
    }
}
