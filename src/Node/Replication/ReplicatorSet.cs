using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Peers;
using Kv.Node.Replica;
using Kv.Node.Signals;
using Kv.Node.Telemetry;

namespace Kv.Node.Replication;

/// <summary>
/// The only fan-out of writes: one <see cref="PeerReplicator"/> per other member, begun anew with each layout and reshard. Those that have nothing to send keep
/// no stream.
/// </summary>
internal sealed class ReplicatorSet(
    NodeIdentity self,
    Published<ClusterTopology> topology,
    ReplicaState replica,
    IPeerTransport transport,
    IDurabilityObserver durability,
    TimeProvider time,
    Random random,
    ReplicationOptions options,
    KvMetrics metrics,
    ILogger<PeerReplicator> logger)
{
    /// <summary>Runs the replicators until cancelled; fails when one of them fails.</summary>
    public Task RunAsync(CancellationToken cancellation) =>
        PeerLoops.RunAsync(
            topology,
            view => view.Members.Where(member => !member.Equals(self.Address)).Select(member => (Peer: member, view.Scope)),
            (to, stop) => new PeerReplicator(
                self, to.Peer, to.Scope, topology, replica, transport, durability, time, new Random(random.Next()), options, metrics, logger).RunAsync(stop),
            cancellation);
}
