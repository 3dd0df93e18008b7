using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Replication;
using Kv.Common.Topology;
using Kv.Node.Signals;

namespace Kv.Node.Replica;

/// <summary>
/// What every replica that a write concerns is known to hold durably, as their heartbeats told. Only that may be dropped from a token, whatever the token's size or
/// age: a replica that serves a shard covers it by definition, and one that is about to serve it must. A replica that acts on a newer topology than this
/// node may know of one that this node does not, so its word counts for nothing until this node has caught up. While a reshard is under way nothing is
/// dropped: those who are being filled cover nothing yet.
/// </summary>
internal sealed class Stability(
    NodeIdentity self,
    Published<ClusterTopology> topology,
    Published<MembershipView> membership,
    ReplicaState replica,
    CausalTokenCodec tokens)
{
    private Computed _computed = new(null, null, VersionVector.Empty, VersionVector.Empty);

    /// <summary>Empty until every replica of some shard has been heard from.</summary>
    public StableVector Stable => Compute() is var computed ? new(computed.Stable, computed.Topology!.Epoch) : default;

    /// <summary>
    /// The same without those who join: what a log need not be kept for. Whoever is filled is filled by a member, which gives all of it.
    /// </summary>
    public StableVector HeldByMembers => Compute() is var computed ? new(computed.HeldByMembers, computed.Topology!.Epoch) : default;

    /// <summary>
    /// The token without what is stable. It carries the epoch by which that was judged: a node that acts on an older one may serve a replica that this
    /// judgement did not ask, and must catch up before it takes the token.
    /// </summary>
    public CausalToken Prune(CausalToken token)
    {
        var computed = Compute();
        var pruned = token.Prune(computed.Stable);
        return pruned.Epoch < computed.Topology!.Epoch ? pruned with { Epoch = computed.Topology.Epoch } : pruned;
    }

    /// <summary>
    /// The sealed token of a client that presented <paramref name="past"/> and then read <paramref name="record"/>. A client without a past gets the
    /// stored token as it is, so that it equals what the write returned.
    /// </summary>
    public ReadOnlyMemory<byte> SealAfterReading(CausalToken past, WriteRecord? record)
    {
        if (record is not null && ReferenceEquals(past, CausalToken.None)) return record.Token;
        return tokens.Seal(Prune(record is null ? past : past.Join(record.OpenedToken)));
    }

    /// <summary>The sealed token of a client that presented <paramref name="past"/> and then read everything that was joined to <paramref name="read"/>.</summary>
    public ReadOnlyMemory<byte> SealAfterReading(CausalToken past, CausalToken read) => tokens.Seal(Prune(past.Join(read)));

    private Computed Compute()
    {
        var view = membership.Current;
        var epoch = topology.Current;
        var computed = Volatile.Read(ref _computed);
        if (!ReferenceEquals(computed.View, view) || !ReferenceEquals(computed.Topology, epoch))
        {
            computed = epoch.Transition is null
                ? new(view, epoch, Judge(view, epoch, withJoining: true), Judge(view, epoch, withJoining: false))
                : new(view, epoch, VersionVector.Empty, VersionVector.Empty);
            Volatile.Write(ref _computed, computed);
        }

        return computed;
    }

    // Of each origin, what is held in every shard of today that its group concerns.
    private VersionVector Judge(MembershipView view, ClusterTopology topology, bool withJoining)
    {
        var held = topology.Shards.Select(shard => (Group: topology.GroupOf(shard.Id), Vector: Meet(shard, view, topology, withJoining))).ToList();
        var stable = VersionVector.Empty;
        foreach (var dot in held.Aggregate(VersionVector.Empty, (joined, shard) => joined.Join(shard.Vector)))
        {
            var everywhere = held.Min(shard => topology.Concerns(dot.Origin.Group, shard.Group) ? shard.Vector[dot.Origin] : ulong.MaxValue);
            if (everywhere is > 0 and < ulong.MaxValue) stable = stable.With(dot with { Sequence = everywhere });
        }

        return stable;
    }

    private VersionVector Meet(ShardMembers shard, MembershipView view, ClusterTopology topology, bool withJoining)
    {
        var group = topology.GroupOf(shard.Id);
        VersionVector? meet = null;
        foreach (var member in withJoining ? shard.Members.Concat(shard.Joining) : shard.Members)
        {
            var vector = member.Equals(self.Address) ? HeldHere(group)
                : view.Find(member) is { } peer && peer.Epoch <= topology.Epoch && peer.Place == group && IsAdmitted(topology, peer) ? peer.Vector
                : VersionVector.Empty;
            meet = meet?.Meet(vector) ?? vector;
        }

        return meet ?? VersionVector.Empty;
    }

    private VersionVector HeldHere(ReplicaGroup group) => replica.Snapshot.Current is { Place: { } place } snapshot && place == group ? snapshot.Vector : VersionVector.Empty;

    // What a lost incarnation held, its successor need not hold.
    private static bool IsAdmitted(ClusterTopology topology, PeerView peer) => !topology.IsSealed || topology.IncarnationAt(peer.Address) == peer.Incarnation;

    private sealed record Computed(MembershipView? View, ClusterTopology? Topology, VersionVector Stable, VersionVector HeldByMembers);
}
