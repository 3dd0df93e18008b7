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
    private static readonly TimeSpan ExpiryInterval = TimeSpan.FromMilliseconds(100);

    private readonly Lock _gate = new();
    private readonly Dictionary<NodeAddress, ForwardLane> _lanes = [];

    /// <summary>Null for who is no member any more: a request goes by the topology that it looked at, and a newer one may have ended the lane since.</summary>
    public ForwardLane? To(NodeAddress peer) => topology.Current.Includes(peer) ? LaneOf(peer) : null;

    /// <summary>True while the peer is slow to answer what it was sent.</summary>
    public bool IsLate(NodeAddress peer)
    {
        lock (_gate) return _lanes.TryGetValue(peer, out var lane) && lane.IsLate;
    }

    /// <summary>Runs the lanes until cancelled; fails when one of them fails.</summary>
    public Task RunAsync(CancellationToken cancellation) =>
        Duplex.RunAsync(
            stop => PeerLoops.RunAsync(
                topology,
                view => view.Members.Where(member => !member.Equals(self.Address)),
                async (peer, within) =>
                {
                    await LaneOf(peer).RunAsync(within);
                    lock (_gate) _lanes.Remove(peer);
                },
                stop),
            ExpireAsync,
            cancellation);

    // Of all lanes: one whose peer left the topology while a request was about to take it is run by nobody, and its requests must end all the same.
    private async Task ExpireAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(ExpiryInterval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellation))
            {
                List<ForwardLane> all;
                lock (_gate) all = [.. _lanes.Values];
                foreach (var lane in all) lane.Expire();
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
    }

    private ForwardLane LaneOf(NodeAddress peer)
    {
        lock (_gate)
        {
            if (!_lanes.TryGetValue(peer, out var lane)) _lanes[peer] = lane = new(peer, transport, time, new Random(random.Next()), options, logger);
            return lane;
        }
    }
}
