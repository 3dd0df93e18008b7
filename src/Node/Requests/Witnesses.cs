using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Peers;
using Kv.Node.Signals;
using Kv.Node.Topology;

namespace Kv.Node.Requests;

/// <summary>
/// Whether a member that this node holds dead is gone, or there after all. Asked before what only it holds is given up, for what one node takes for a death may be a link that is cut, or was
/// until just now.
/// </summary>
internal sealed class Witnesses(NodeIdentity self, Published<ClusterTopology> topology, IPeerTransport transport, TimeProvider time, TopologyOptions options)
{
    /// <summary>
    /// True when a majority of the acceptors do not hear it, which they are asked and this node knows of itself, no member says that it does, and it does not answer. All are asked, whatever this node takes
    /// them for: it may be the one that is cut off. Completes within <see cref="TopologyOptions.AnswerTimeout"/>; who says nothing by then bears no witness.
    /// </summary>
    public async Task<bool> HoldGoneAsync(NodeAddress dead, CancellationToken cancellation)
    {
        var view = topology.Current;
        using var soon = new CancellationTokenSource(options.AnswerTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, soon.Token);
        var itself = AnswersAsync(dead, view.IncarnationAt(dead), either.Token);
        var said = await Task.WhenAll(view.Members
            .Where(member => !member.Equals(self.Address) && !member.Equals(dead))
            .Select(async witness => (Witness: witness, Hears: await HearsAsync(witness, dead, either.Token))));
        var isThere = await itself || said.Any(word => word.Hears is true);
        cancellation.ThrowIfCancellationRequested();
        NodeAddress[] deaf = [self.Address, .. said.Where(word => word.Hears is false).Select(word => word.Witness)];
        return !isThere && view.Acceptors.Count(acceptor => deaf.Contains(acceptor.Address)) > view.Acceptors.Length / 2;
    }

    // Another incarnation at its address is not it.
    private async Task<bool> AnswersAsync(NodeAddress dead, Incarnation incarnation, CancellationToken cancellation)
    {
        try
        {
            return await transport.CallAsync(dead, new ControlRequest.Read(), cancellation) is ControlReply.Holds { From: var from } && from.Address.Equals(dead) && from.Incarnation == incarnation;
        }
        catch (Exception broken) when (broken is PeerUnavailableException or OperationCanceledException)
        {
            return false;
        }
    }

    // Null when the witness says nothing.
    private async Task<bool?> HearsAsync(NodeAddress witness, NodeAddress dead, CancellationToken cancellation)
    {
        try
        {
            return await transport.ProbeAsync(witness, dead, cancellation);
        }
        catch (Exception broken) when (broken is PeerUnavailableException or OperationCanceledException)
        {
            return null;
        }
    }
}
