using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Topology;
using Kv.Node.Backup;
using Kv.Node.Replica;
using Kv.Node.Requests;
using Kv.Node.Security;
using Kv.Node.Signals;
using Kv.Node.Telemetry;

namespace Kv.Node.Hosting;

/// <summary>Values that are read when metrics are collected.</summary>
internal sealed class NodeGauges
{
    public NodeGauges(
        KvMetrics metrics, NodeIdentity self, ReplicaState replica, RequestBudget budget, Readiness readiness, Published<ClusterTopology> topology, Published<MembershipView> membership, TombstoneCensus tombstones,
        BackupDonor backups, LogHolds holds, NodeSecurity security, TimeProvider time)
    {
        metrics.ObservePer("certificate", "kv.certificate.expires_in", "s", "How long the certificates in use are good, each with what it rests on.", () => security.Expiries(time.GetUtcNow()));
        metrics.Observe("kv.ready", null, "1 while the node can serve its shard.", () => readiness.WhyNot() is null ? 1 : 0);
        metrics.Observe("kv.keys", "{key}", "Live keys on this replica.", () => replica.Snapshot.Current.LiveKeys);
        metrics.Observe("kv.requests.under_way", "{request}", "Clients' requests for keys that are under way.", () => budget.UnderWay);
        metrics.Observe("kv.backup.snapshots", "{snapshot}", "Snapshots that are kept for backups.", () => backups.Snapshots);
        metrics.Observe("kv.storage.room", null, "2 while the disk has room, 1 while clients' writes are refused, 0 while nothing is taken in.", () => (long)replica.Room);
        metrics.Observe("kv.log.records", "{record}", "Entries of the log that are kept for others, at most.", () => replica.Snapshot.Current.LogRecords);
        metrics.Observe("kv.log.holds", "{snapshot}", "Snapshots of change feeds, and backups that close, that the log is kept for.", () => holds.Count);
        metrics.Observe("kv.log.bytes", "By", "Bytes that the log takes, as the store estimates it.", () => replica.LogBytes);
        metrics.Observe("kv.tombstones", "{key}", "Deletions that are remembered.", () => replica.Snapshot.Current.Held.Tombstones);
        foreach (var what in Enum.GetValues<TombstoneWait>().Where(what => what is not TombstoneWait.None))
            metrics.Observe($"kv.tombstones.waiting_for_{what.ToString().ToLowerInvariant()}", "{key}", "Deletions that cannot be forgotten yet, by what for; as of the last look.", () => tombstones.WaitingFor(what));
        metrics.Observe("kv.topology.epoch", null, "The epoch of the topology this node acts on.", () => (long)topology.Current.Epoch.Value);
        metrics.Observe("kv.own_writes", "{write}", "Sequence of this node's last own write.", () => (long)OwnSequence(replica, self));
        metrics.ObservePerPeer("kv.peer.reachable", null, "1 while the peer is heard.", () => membership.Current.Peers.Select(p => (p.Address.ToString(), p.IsReachable ? 1.0 : 0.0)));
        metrics.ObservePerPeer("kv.peer.suspicion", null, "The failure detector's phi.", () => membership.Current.Peers.Select(p => (p.Address.ToString(), p.Suspicion)));
        metrics.ObservePerPeer("kv.peer.clock_skew", "s", "How far the peer's wall clock is ahead of this node's.", () => membership.Current.Peers.Select(p => (p.Address.ToString(), p.ClockSkew.TotalSeconds)));
        metrics.ObservePerPeer(
            "kv.peer.lag",
            "{write}",
            "Own writes that the peer, as last heard, does not hold yet; only for peers of the same shard.",
            () =>
            {
                var own = OwnSequence(replica, self);
                var place = replica.Snapshot.Current.Place;
                return membership.Current.Peers
                    .Where(p => place is not null && p.Place == place)
                    .Select(p => (p.Address.ToString(), (double)(own - Math.Min(own, p.Vector[new Origin(self.Incarnation, place!.Value)]))));
            });
    }

    private static ulong OwnSequence(ReplicaState replica, NodeIdentity self) =>
        replica.Snapshot.Current is { Place: { } place } snapshot ? snapshot.Vector[new Origin(self.Incarnation, place)] : 0;
}
