using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Peers;
using Kv.Node.Peers.Wire;
using W = Kv.Wire;

namespace Kv.Node.Hosting.ClusterDiscovery;

/// <summary>Asks other nodes for their topology. Not by the transport that nodes use among themselves: that one introduces a member of a cluster.</summary>
internal sealed partial class DiscoveryCalls(PeerChannels channels, TimeSpan answerTimeout, TimeProvider time, ILogger<DiscoveryCalls> logger)
{
    /// <summary>Null when there is no answer in time, or none that makes sense.</summary>
    public async Task<DiscoveryAnswer?> AskAsync(NodeAddress peer, CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(answerTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timeout.Token);
        try
        {
            var client = new W.ControlPlane.ControlPlaneClient(channels.To(peer, PeerTraffic.Heartbeats));
            return (await client.GetTopologyAsync(new W.GetTopologyRequest(), cancellationToken: either.Token)).ToDiscoveryAnswer(peer);
        }
        catch (Exception broken) when (GrpcFailures.IsBroken(broken))
        {
            cancellation.ThrowIfCancellationRequested();
            LogUnanswered(logger, peer, broken.Message);
            return null;
        }
    }

    [LoggerMessage(1020, LogLevel.Debug, "{Peer} did not say its topology: {Reason}")]
    private static partial void LogUnanswered(ILogger logger, NodeAddress peer, string reason);
}
