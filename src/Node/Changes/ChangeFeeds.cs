using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Topology;
using Kv.Node.Peers;
using Kv.Node.Signals;
using Kv.Node.Telemetry;

namespace Kv.Node.Changes;

/// <summary>Makes feeds: what they all use.</summary>
internal sealed class ChangeFeeds(
    NodeIdentity self,
    Published<ClusterTopology> topology,
    Published<MembershipView> membership,
    ChangeSource own,
    IChangePeers peers,
    TimeProvider time,
    Random random,
    ChangesOptions options,
    KvMetrics metrics)
{
    private readonly Lock _gate = new();

    /// <summary>A feed of the changes of all keys that begin with <paramref name="prefix"/>; it asks nobody before it is opened.</summary>
    public ChangeFeed Feed(ReadOnlyMemory<byte> prefix, FeedStart start) => new(topology, prefix, start, ReplicasOf, time, options, metrics);

    private ShardReplicas ReplicasOf(ReplicaGroup group)
    {
        // Generators are not made for many at a time.
        lock (_gate) return new(group, self, topology, membership, own, peers, time, new Random(random.Next()), options);
    }
}
