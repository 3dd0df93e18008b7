using System.Collections.Immutable;
using Kv.Common.Identity;
using Kv.Common.Topology;

namespace Kv.Common.Migration;

/// <summary>
/// What is to become of a reshard under way, as far as one node can tell. A calculation: several nodes may come to different answers at the same moment, and the rules of
/// the topology decide whose is carried out.
/// </summary>
public abstract record ReshardReview
{
    private ReshardReview()
    {
    }

    /// <summary>Everybody who is alive is filled, and every shard to be has enough of them.</summary>
    public sealed record Ready(ImmutableArray<TopologyMember> Filled) : ReshardReview;

    /// <summary>These are not filled yet, or were not heard yet.</summary>
    /// <param name="For">Who is waited for.</param>
    /// <param name="Without">Who is filled, if it could be done with them alone; null when some shard to be would have too few of them.</param>
    public sealed record Waits(ImmutableArray<NodeAddress> For, ImmutableArray<TopologyMember>? Without) : ReshardReview;

    /// <summary>That shard to be has too few live nodes; unless one comes back, the reshard cannot be committed.</summary>
    public sealed record Lacks(ShardId Shard) : ReshardReview;

    /// <summary>The standing of each node placed in the shards to be is what <paramref name="standingOf"/> says.</summary>
    public static ReshardReview Of(ClusterTopology topology, Transition transition, Func<NodeAddress, FillStanding> standingOf)
    {
        var filled = ImmutableArray.CreateBuilder<TopologyMember>();
        var waiting = ImmutableArray.CreateBuilder<NodeAddress>();
        var isEnough = true;
        foreach (var shard in transition.Shards)
        {
            var (alive, before) = (0, filled.Count);
            foreach (var node in shard.Replicas)
            {
                var standing = standingOf(node);
                if (standing is FillStanding.Gone) continue;
                alive++;
                if (standing is FillStanding.Filled) filled.Add(new(node, topology.IncarnationAt(node)));
                else waiting.Add(node);
            }

            if (alive < Rebalance.FewestLiveNodes) return new Lacks(shard.Id);
            isEnough &= filled.Count - before >= Rebalance.FewestLiveNodes;
        }

        return waiting.Count == 0 ? new Ready(filled.ToImmutable()) : new Waits(waiting.ToImmutable(), isEnough ? filled.ToImmutable() : null);
    }
}
