using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Topology;
using Kv.Node.Peers;
using Kv.Node.Signals;
using Kv.Node.Topology;

namespace Kv.Node.Requests;

/// <summary>
/// Whether a member that this node holds dead is there after all: what the others say of it, and whether it answers itself. Asked before what only it holds is given up, for what one node
/// takes for a death may be a link that is cut, or was until just now.
/// </summary>
internal sealed class Witnesses(
    NodeIdentity self, Published<ClusterTopology> topology, Published<MembershipView> membership, IPeerTransport transport, TimeProvider time, TopologyOptions options)
{
    /// <summary>Completes within <see cref="TopologyOptions.AnswerTimeout"/>; who says nothing by then has said nothing.</summary>
    public async Task<Testimony> AskAsync(NodeAddress dead, CancellationToken cancellation)
    {
        var view = topology.Current;
        using var soon = new CancellationTokenSource(options.AnswerTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, soon.Token);
        var itself = AnswersAsync(dead, view.IncarnationAt(dead), either.Token);
        var said = await Task.WhenAll(view.Members
            .Where(member => !member.Equals(self.Address) && !member.Equals(dead) && membership.Current.IsReachable(member))
            .Select(witness => HearsAsync(witness, dead, either.Token)));
        var isThere = await itself || said.Contains(true);
        cancellation.ThrowIfCancellationRequested();
        return new(isThere, said.Count(hears => hears is false));
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

/// <param name="IsThere">Somebody hears it, or it has answered.</param>
/// <param name="Deaf">How many others say that they do not hear it.</param>
internal readonly record struct Testimony(bool IsThere, int Deaf);
