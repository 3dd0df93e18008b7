using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Topology;
using Kv.Node.Peers;
using Kv.Node.Signals;

namespace Kv.Node.Topology;

/// <summary>Keeps up with what others decide: a heartbeat of a newer epoch makes this node pull the topology from whoever sent it.</summary>
internal sealed partial class TopologyLearner(
    TopologyRegister register,
    Published<MembershipView> membership,
    IPeerTransport transport,
    TimeProvider time,
    Random random,
    TopologyOptions options,
    ILogger<TopologyLearner> logger)
{
    /// <summary>Learns until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var backoff = new Backoff(options.RetryMin, options.RetryMax, time, random);
        try
        {
            while (true)
            {
                var view = await membership.WaitAsync(next => Newest(next) is not null, cancellation);
                if (Newest(view) is { } peer && await PullAsync(peer.Address, cancellation)) backoff.Reset();
                else await backoff.PauseAsync(cancellation);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
    }

    // Also of strangers: they may be members of the epoch that is to be learned.
    private PeerView? Newest(MembershipView view)
    {
        PeerView? newest = null;
        foreach (var peer in view.Peers)
        {
            if (peer.State is PeerState.Alive && peer.Epoch > register.Topology.Current.Epoch && peer.Epoch > (newest?.Epoch ?? default)) newest = peer;
        }

        return newest;
    }

    private async Task<bool> PullAsync(NodeAddress peer, CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(options.AnswerTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timeout.Token);
        try
        {
            if (await transport.CallAsync(peer, new ControlRequest.Read(), either.Token) is not ControlReply.Holds holds) return false;
            var topology = await register.LearnAsync(holds.Topology);
            LogLearned(logger, topology, peer);
            return true;
        }
        catch (PeerUnavailableException unavailable)
        {
            LogNotLearned(logger, peer, unavailable.Message);
            return false;
        }
        catch (InvalidOperationException conflict)
        {
            LogConflict(logger, peer, conflict.Message);
            return false;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return false;
        }
    }

    [LoggerMessage(6020, LogLevel.Information, "Learned from {Peer}: {Topology}")]
    private static partial void LogLearned(ILogger logger, ClusterTopology topology, NodeAddress peer);

    [LoggerMessage(6021, LogLevel.Debug, "Could not learn the topology from {Peer}: {Reason}")]
    private static partial void LogNotLearned(ILogger logger, NodeAddress peer, string reason);

    [LoggerMessage(6022, LogLevel.Error, "{Peer} acts on another history: {Reason}")]
    private static partial void LogConflict(ILogger logger, NodeAddress peer, string reason);
}
