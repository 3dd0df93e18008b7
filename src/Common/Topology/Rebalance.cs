using System.Collections.Immutable;
using Kv.Common.Identity;

namespace Kv.Common.Topology;

/// <summary>
/// Who is to be in which shard after a reshard. A calculation that depends on nothing but its arguments, and on no order of them.
/// </summary>
public static class Rebalance
{
    /// <summary>With fewer, one node lost would be a shard lost.</summary>
    public const int FewestLiveNodes = 2;

    /// <summary>
    /// The shards to be, by id, each with its nodes ascending: <see cref="ShardMembers.Members"/> are alive, <see cref="ShardMembers.Joining"/> are placed there for
    /// when they are back. Null when some shard would have fewer than <see cref="FewestLiveNodes"/> that are alive, or no ring has so many shards.
    /// <para>
    /// Every live node that was admitted and is not on its way out is placed, equally many to a shard, give or take one. Of the ways to do so it is one in which
    /// the fewest nodes change their shard: the larger places go to the shards that have most now, so as few as can be are surplus. Of a shard's surplus
    /// the greatest addresses go. Nodes that have no shard yet are given out before those that lose theirs, to the lowest shards first.
    /// </para>
    /// </summary>
    /// <param name="topology">Who is where now; a node that joins a shard counts as being in it.</param>
    /// <param name="shardCount">How many shards there are to be.</param>
    /// <param name="live">Who is alive; others than members do not matter.</param>
    public static ImmutableArray<ShardMembers>? Plan(ClusterTopology topology, int shardCount, IReadOnlySet<NodeAddress> live)
    {
        // 1. Who is alive, and where; members are ascending. Whoever leaves is placed no more.
        var staying = topology.Members.Where(node => topology.ReplicatedBy(node)?.Leaving.Contains(node) != true).ToList();
        var candidates = staying.Where(node => live.Contains(node) && !topology.IncarnationAt(node).IsNone).ToList();
        if (shardCount is < 1 or > HashRing.MostShards || candidates.Count / shardCount < FewestLiveNodes) return null;
        ShardId? ShardAfter(NodeAddress node) => topology.ReplicatedBy(node)?.Id is { } id && id.Value < shardCount ? id : null;

        // 2. How many each shard is to have.
        var present = candidates.ToLookup(ShardAfter);
        var larger = Enumerable.Range(0, shardCount).OrderByDescending(id => present[new ShardId(id)].Count()).Take(candidates.Count % shardCount).ToHashSet();
        int Quota(int id) => candidates.Count / shardCount + (larger.Contains(id) ? 1 : 0);

        // 3. Who stays, and who is to be given out.
        var members = Enumerable.Range(0, shardCount).Select(id => present[new ShardId(id)].Take(Quota(id)).ToList()).ToList();
        var kept = members.SelectMany(nodes => nodes).ToHashSet();
        var free = new Queue<NodeAddress>(candidates.Where(node => !kept.Contains(node)).OrderBy(node => topology.ReplicatedBy(node) is null ? 0 : 1).ThenBy(node => node));
        for (var id = 0; id < shardCount; id++)
        {
            while (members[id].Count < Quota(id)) members[id].Add(free.Dequeue());
        }

        // 4. Whoever is in a shard and not alive is placed as well, and refilled when it is back; those who keep their shard first, so that the rest evens out.
        var joining = members.Select(_ => new List<NodeAddress>()).ToList();
        foreach (var node in staying.Except(candidates).Where(node => topology.ReplicatedBy(node) is not null).OrderBy(node => ShardAfter(node) is null ? 1 : 0))
        {
            var id = ShardAfter(node)?.Value ?? Enumerable.Range(0, shardCount).MinBy(each => members[each].Count + joining[each].Count);
            joining[id].Add(node);
        }

        return [.. members.Select((nodes, id) => new ShardMembers(new(id), [.. nodes.Order()]) { Joining = [.. joining[id].Order()] })];
    }
}
