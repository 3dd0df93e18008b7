using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Peers;
using Kv.Node.Signals;

namespace Kv.Node.Requests;

/// <summary>One <see cref="ForwardLane"/> per other member of the topology.</summary>
internal sealed class ForwardLanes(
    NodeIdentity self,
    Published<ClusterTopology> topology,
    IPeerTransport transport,
    TimeProvider time,
    Random random,
    RequestOptions options,
    ILogger<ForwardLane> logger)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<NodeAddress, ForwardLane> _lanes = [];

    public ForwardLane To(NodeAddress peer)
    {
        lock (_gate)
        {
            if (!_lanes.TryGetValue(peer, out var lane)) _lanes[peer] = lane = new(peer, transport, time, new Random(random.Next()), options, logger);
            return lane;
        }
    }

    /// <summary>Runs the lanes until cancelled; fails when one of them fails.</summary>
    public Task RunAsync(CancellationToken cancellation) =>
        PeerLoops.RunAsync(
            topology,
            view => view.Members.Where(member => !member.Equals(self.Address)),
            async (peer, stop) =>
            {
                await To(peer).RunAsync(stop);
                lock (_gate) _lanes.Remove(peer);
            },
            cancellation);
}
