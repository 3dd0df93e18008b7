using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Peers;
using Kv.Node.Signals;

namespace Kv.Node.Membership;

/// <summary>One <see cref="HeartbeatLoop"/> per other member, following the topology.</summary>
internal sealed class HeartbeatLoops(
    NodeIdentity self,
    Published<ClusterTopology> topology,
    IPeerTransport transport,
    IHeartbeatSource source,
    HeartbeatGate gate,
    MembershipService membership,
    Departure departure,
    MembershipOptions options,
    TimeProvider time,
    Random random,
    ILogger<HeartbeatLoop> logger)
{
    /// <summary>Runs the loops until cancelled; fails when one of them fails.</summary>
    public Task RunAsync(CancellationToken cancellation) =>
        PeerLoops.RunAsync(
            topology,
            view => view.Members.Where(member => !member.Equals(self.Address)),
            // Each loop draws from a generator of its own, because loops run concurrently and a generator must not.
            (peer, stop) => new HeartbeatLoop(peer, transport, source, gate, membership, departure, options, time, new Random(random.Next()), logger).RunAsync(stop),
            cancellation);
}
