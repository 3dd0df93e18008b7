using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Replication;
using Kv.Common.Topology;
using Kv.Node.Signals;

namespace Kv.Node.Replica;

/// <summary>
/// What every replica of a shard is known to hold durably: the meet of the vectors of those who serve or join it, as their heartbeats told them. Only
/// that may be dropped from a token, whatever the token's size or age: a replica that serves the shard covers it by definition, and one that is about
/// to serve it must. A replica that acts on a newer topology than this node may know of one that this node does not, so its word counts for nothing
/// until this node has caught up.
/// </summary>
internal sealed class Stability(
    NodeIdentity self,
    Published<ClusterTopology> topology,
    Published<MembershipView> membership,
    ReplicaState replica,
    CausalTokenCodec tokens)
{
    private Computed _computed = new(null, null, []);

    /// <summary>Empty until every replica of the shard has been heard from.</summary>
    public VersionVector StableIn(ShardId shard) => Compute().Of(shard);

    /// <summary>
    /// The token without what is stable. It carries the epoch by which that was judged: a node that acts on an older one may serve a replica that this
    /// judgement did not ask, and must catch up before it takes the token.
    /// </summary>
    public CausalToken Prune(CausalToken token)
    {
        var computed = Compute();
        var pruned = token.Prune(computed.Of);
        return pruned.Epoch < computed.Topology!.Epoch ? pruned with { Epoch = computed.Topology.Epoch } : pruned;
    }

    private Computed Compute()
    {
        var view = membership.Current;
        var epoch = topology.Current;
        var computed = Volatile.Read(ref _computed);
        if (!ReferenceEquals(computed.View, view) || !ReferenceEquals(computed.Topology, epoch))
        {
            computed = new(view, epoch, epoch.Shards.ToDictionary(s => s.Id, s => Meet(s, view, epoch)));
            Volatile.Write(ref _computed, computed);
        }

        return computed;
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

    private VersionVector Meet(ShardMembers shard, MembershipView view, ClusterTopology topology)
    {
        VersionVector? meet = null;
        foreach (var member in shard.Members.Concat(shard.Joining))
        {
            var vector = member.Equals(self.Address) ? replica.Snapshot.Current.Vector
                : view.Find(member) is { } peer && peer.Epoch <= topology.Epoch && IsAdmitted(topology, peer) ? peer.Vector
                : VersionVector.Empty;
            meet = meet?.Meet(vector) ?? vector;
        }

        return meet ?? VersionVector.Empty;
    }

    // What a lost incarnation held, its successor need not hold.
    private static bool IsAdmitted(ClusterTopology topology, PeerView peer) => !topology.IsSealed || topology.IncarnationAt(peer.Address) == peer.Incarnation;

    private sealed record Computed(MembershipView? View, ClusterTopology? Topology, Dictionary<ShardId, VersionVector> ByShard)
    {
        public VersionVector Of(ShardId shard) => ByShard.GetValueOrDefault(shard, VersionVector.Empty);
    }
}
