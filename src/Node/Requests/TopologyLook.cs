using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Signals;

namespace Kv.Node.Requests;

/// <summary>
/// The one look at the topology that a request takes. A token of a newer epoch, or a request forwarded by one, comes from a node that knows more than this one: to
/// route or to serve it by the older topology could miss what the client has seen, so this node catches up first.
/// </summary>
internal sealed class TopologyLook(Published<ClusterTopology> topology, TimeProvider time)
{
    /// <summary>The topology to go by, of <paramref name="epoch"/> or a later one; null when none became known here in time.</summary>
    public ValueTask<ClusterTopology?> AtAsync(Epoch epoch, Deadline deadline)
    {
        var view = topology.Current;
        return epoch <= view.Epoch ? new(view) : CatchUpAsync(epoch, deadline);
    }

    /// <summary>The newest epoch known here.</summary>
    public Epoch Newest => topology.Current.Epoch;

    private async ValueTask<ClusterTopology?> CatchUpAsync(Epoch epoch, Deadline deadline)
    {
        using var timeout = new CancellationTokenSource(deadline.Remaining(time), time);
        try
        {
            return await topology.WaitAsync(next => next.Epoch >= epoch, timeout.Token);
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            return null;
        }
    }
}
