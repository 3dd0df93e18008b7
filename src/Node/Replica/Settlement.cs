using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Time;
using Kv.Common.Topology;
using Kv.Node.Signals;

namespace Kv.Node.Replica;

/// <summary>
/// Which deletions every replica may forget (docs/protocols/anti-entropy.md). That all hold a deletion is not enough: a write that it outdoes, made before its author knew of it, may be
/// on its way still, and would win where the deletion is forgotten. So it takes two rounds. In the first all hold the deletion, and everything that anybody holds by then is
/// noted: among it is every write that can be outdone, for whoever holds the deletion writes with later stamps only. In the second all hold what was noted. Asked by one loop alone.
/// </summary>
/// <remarks>
/// All that counts is said by every member of the cluster in one and the same epoch, in which nobody joins or leaves a shard, no reshard is under way, and nobody keeps the log of an ended
/// group: no other way is left by which an older write could come. A topology that changes begins the rounds anew.
/// </remarks>
internal sealed class Settlement(
    NodeIdentity self, Published<ClusterTopology> topology, Published<MembershipView> membership, ReplicaState replica, Stability stability)
{
    private (Epoch Epoch, VersionVector Held, VersionVector Noted)? _round;
    private (Epoch Epoch, VersionVector Vector)? _settled;

    /// <summary>Looks at what everybody says by now.</summary>
    public SettlementState Look()
    {
        var view = topology.Current;
        var peers = membership.Current;
        if (ReasonToWait(view, peers) is { } reason) return new(view.Epoch, VersionVector.Empty, HybridTimestamp.Zero, reason);
        var stable = stability.Stable;
        if (stable.Epoch != view.Epoch) return new(view.Epoch, VersionVector.Empty, HybridTimestamp.Zero, TombstoneWait.Topology);
        if (_settled is { } known && known.Epoch != view.Epoch) _settled = null;
        if (_round is { } begun && begun.Epoch == view.Epoch)
        {
            // All hold what anybody held when all held it.
            if (stable.Vector.Covers(begun.Noted))
            {
                _settled = (view.Epoch, begun.Held);
                _round = (view.Epoch, stable.Vector, Noted(view, peers));
            }
        }
        else
        {
            _round = (view.Epoch, stable.Vector, Noted(view, peers));
        }

        return new(view.Epoch, _settled?.Vector ?? VersionVector.Empty, ClocksHaveReached(view, peers), TombstoneWait.None);
    }

    private TombstoneWait? ReasonToWait(ClusterTopology view, MembershipView peers)
    {
        if (!view.IsSealed || view.Transition is not null || view.Shards.Any(shard => !shard.Joining.IsEmpty || !shard.Leaving.IsEmpty)) return TombstoneWait.Topology;
        var here = replica.Snapshot.Current;
        if (here.Followed != view.Epoch) return TombstoneWait.Topology;
        if (!here.Former.IsEmpty || here.Fill is not null) return TombstoneWait.Transfer;
        foreach (var member in view.Members.Where(member => !member.Equals(self.Address)))
        {
            if (peers.Find(member) is not { IsMember: true, State: not PeerState.Unknown } peer || peer.Incarnation != view.IncarnationAt(member)) return TombstoneWait.Member;
            // What it said by an earlier topology it may have said before it heard from one who is no member any more.
            if (peer.Epoch != view.Epoch || peer.Replica.Followed != view.Epoch) return peer.IsReachable ? TombstoneWait.Topology : TombstoneWait.Member;
            if (peer.Owes || peer.Filling is not null || (peer.Place is { } place && place.Layout != view.Layout)) return TombstoneWait.Transfer;
        }

        return null;
    }

    // Of each origin, the most that any replica holds whose shard it concerns.
    private VersionVector Noted(ClusterTopology view, MembershipView peers)
    {
        var noted = VersionVector.Empty;
        foreach (var shard in view.Shards)
        {
            var group = view.GroupOf(shard.Id);
            foreach (var member in shard.Members)
            {
                var (place, vector) = member.Equals(self.Address)
                    ? (replica.Snapshot.Current.Place, replica.Snapshot.Current.Vector)
                    : (peers.Find(member)?.Place, peers.Find(member)?.Vector ?? VersionVector.Empty);
                if (place == group) noted = noted.Join(view.Concerning(group, vector));
            }
        }

        return noted;
    }

    // What the members of this shard write from now on has a later stamp.
    private HybridTimestamp ClocksHaveReached(ClusterTopology view, MembershipView peers)
    {
        var least = replica.Snapshot.Current.Clock;
        foreach (var member in view.ShardOf(self.Address)?.Members ?? [])
        {
            if (!member.Equals(self.Address) && peers.Find(member) is { } peer && peer.Replica.Clock < least) least = peer.Replica.Clock;
        }

        return least;
    }
}
