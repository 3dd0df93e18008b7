using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Topology;
using Kv.Node.Replica;
using Kv.Node.Signals;

namespace Kv.Node.Requests;

/// <summary>
/// Whether all replicas of every shard are equal: they hold the same writes, and what they hold comes to the same. Judged by what each replica said of itself last, so the answer
/// takes no time and misses at most a heartbeat interval; while clients write, some replica always lacks the last few.
/// </summary>
internal sealed class Convergence(NodeIdentity self, Published<ClusterTopology> topology, Published<MembershipView> membership, ReplicaState replica)
{
    public ConvergenceReport Report()
    {
        var view = topology.Current;
        var peers = membership.Current;
        return new([.. view.Shards.Select(shard => Judge(shard, view, peers))]);
    }

    private ShardConvergence Judge(ShardMembers shard, ClusterTopology view, MembershipView peers)
    {
        var group = view.GroupOf(shard.Id);
        var replicas = shard.Members.Concat(shard.Joining).Select(address => Look(address, group, view, peers)).ToList();
        // What a dead one held counts as well: the others may lack it.
        var everything = replicas.Aggregate(VersionVector.Empty, (joined, each) => joined.Join(each.Vector));
        var usual = replicas.Where(each => each.IsHere && each.Vector.Covers(everything)).GroupBy(each => each.Digest)
            .OrderByDescending(agreeing => agreeing.Count()).ThenBy(agreeing => agreeing.Min(each => each.Address)).FirstOrDefault()?.Key;
        return new(shard.Id, [.. replicas.Select(each => each.Judged(everything, usual, isJoining: !shard.Includes(each.Address)))]);
    }

    private Seen Look(NodeAddress address, ReplicaGroup group, ClusterTopology view, MembershipView peers)
    {
        if (address.Equals(self.Address))
        {
            var here = replica.Snapshot.Current;
            var isHere = here.Place == group && here.Followed > default(Epoch);
            var report = here.Report(self);
            return new(address, true, isHere, here.Fill is not null, isHere ? Concerning(here.Vector) : VersionVector.Empty, report.LiveDigest, here.LiveKeys, report.Tombstones);
        }

        if (peers.Find(address) is not { IsMember: true, State: not PeerState.Unknown } peer) return new(address, false, false, false, VersionVector.Empty, 0, 0, 0);
        var isThere = peer.Place == group;
        return new(
            address, peer.IsReachable, isThere, peer.Filling is not null, isThere ? Concerning(peer.Vector) : VersionVector.Empty, peer.Replica.LiveDigest, peer.LiveKeys,
            peer.Replica.Tombstones);

        // What has nothing to do with the shard may be named by one replica and not by another.
        VersionVector Concerning(VersionVector held) => view.Concerning(group, held);
    }

    private sealed record Seen(
        NodeAddress Address, bool IsReachable, bool IsHere, bool IsFilling, VersionVector Vector, ulong Digest, long Keys, long Tombstones)
    {
        public ReplicaConvergence Judged(VersionVector everything, ulong? usual, bool isJoining)
        {
            var lacks = everything.Aggregate(0UL, (sum, dot) => sum + (dot.Sequence - Math.Min(dot.Sequence, Vector[dot.Origin])));
            var state = !IsReachable ? ReplicaEquality.Unreachable
                : isJoining || !IsHere ? ReplicaEquality.Joining
                : IsFilling ? ReplicaEquality.Refilling
                : lacks > 0 ? ReplicaEquality.Behind
                : Digest != usual ? ReplicaEquality.Different
                : ReplicaEquality.Equal;
            return new(Address, state, lacks, Keys, Tombstones, Digest);
        }
    }
}
