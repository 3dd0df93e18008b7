using Kv.Common.Causality;
using Kv.Common.Topology;
using Kv.Node.Signals;

namespace Kv.Node.Requests;

/// <summary>
/// The one look at the topology that a request takes. A token of a newer epoch comes from a node that knows more than this one: to route or to serve it by
/// the older topology could miss what the client has seen, so this node catches up first.
/// </summary>
internal sealed class TopologyLook(Published<ClusterTopology> topology, TimeProvider time)
{
    /// <summary>The topology to go by; null when the token's epoch did not become known here in time.</summary>
    public ValueTask<ClusterTopology?> AtAsync(CausalToken token, Deadline deadline)
    {
        var view = topology.Current;
        return token.Epoch <= view.Epoch ? new(view) : CatchUpAsync(token, deadline);
    }

    private async ValueTask<ClusterTopology?> CatchUpAsync(CausalToken token, Deadline deadline)
    {
        using var timeout = new CancellationTokenSource(deadline.Remaining(time), time);
        try
        {
            return await topology.WaitAsync(next => next.Epoch >= token.Epoch, timeout.Token);
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            return null;
        }
    }
}
