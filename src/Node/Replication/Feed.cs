using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Replica;

namespace Kv.Node.Replication;

/// <summary>
/// What this node has to send to one peer of one origin: everything that comes, or what there was of an origin of an ended group; as far as it lies in the peer's ranges.
/// </summary>
/// <param name="Origin">Whose log.</param>
/// <param name="After">The log here does not reach further back: a peer that lacks more has to get it elsewhere.</param>
/// <param name="Through">The last sequence to send; null for no end: the origin is this node itself.</param>
/// <param name="Filter">The ring and the shard on it whose keys the peer is sent; null for all.</param>
internal sealed record Feed(Origin Origin, ulong After, ulong? Through, (HashRing Ring, ShardId Shard)? Filter)
{
    /// <summary>True when the peer is to have a record at <paramref name="position"/>.</summary>
    public bool Includes(ulong position) => Filter is not { } filter || filter.Ring.OwnerOf(position) == filter.Shard;

    /// <summary>
    /// Everything that <paramref name="self"/> has to send to <paramref name="peer"/>. 1. Own writes to the replicas of the group. 2. Own writes to those who are to own
    /// some of the group's keys after the reshard under way. 3. The log of ended groups to those who own some of their keys now.
    /// </summary>
    public static IReadOnlyList<Feed> To(NodeAddress peer, NodeIdentity self, ClusterTopology topology, ReplicaSnapshot snapshot)
    {
        var feeds = new List<Feed>();
        if (snapshot.Place is { } place && place.Layout == topology.Layout)
        {
            var own = new Origin(self.Incarnation, place);
            if (topology.Find(place.Shard)?.IsReplicatedBy(peer) == true) feeds.Add(new(own, 0, null, null));
            else if (topology.Transition is { } transition && transition.ReplicatedBy(peer) is { } shard && topology.Concerns(place, transition.GroupOf(shard.Id)))
                feeds.Add(new(own, 0, null, (transition.Ring, shard.Id)));
        }

        // One that joins gets it from the members.
        if (topology.ShardOf(peer) is { } owner)
        {
            foreach (var former in snapshot.Former.Where(former => topology.Concerns(former.Group, topology.GroupOf(owner.Id))))
            {
                foreach (var dot in former.Vector.OfGroups(group => group == former.Group))
                    feeds.Add(new(dot.Origin, former.LoggedAfter[dot.Origin], dot.Sequence, (topology.Ring, owner.Id)));
            }
        }

        return feeds;
    }
}
