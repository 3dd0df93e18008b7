using Kv.Common.Identity;

namespace Kv.Node.Topology;

/// <summary>The answering side of what nodes ask each other about the topology.</summary>
internal sealed class InboundControl(NodeIdentity self, TopologyRegister register)
{
    /// <summary>Answers a node of this cluster, member or not: one that joins must be able to ask.</summary>
    public async ValueTask<ControlReply> AnswerAsync(NodeIdentity from, ControlRequest request)
    {
        try
        {
            return request switch
            {
                ControlRequest.Prepare prepare => new ControlReply.Voted(await register.PrepareAsync(prepare.Parent, prepare.Ballot)),
                ControlRequest.Accept accept => new ControlReply.Voted(await register.AcceptAsync(accept.Parent, accept.Ballot, accept.Value)),
                ControlRequest.Learn learn => new ControlReply.Holds(self, await register.LearnAsync(learn.Topology)),
                ControlRequest.Read => new ControlReply.Holds(self, register.Topology.Current),
                ControlRequest.Hello => await GreetAsync(from),
                _ => throw new ArgumentOutOfRangeException(nameof(request), request, "Unknown request."),
            };
        }
        catch (Exception wrong) when (wrong is ArgumentException or InvalidOperationException)
        {
            return new ControlReply.Refused(wrong.Message);
        }
    }

    private async ValueTask<ControlReply> GreetAsync(NodeIdentity from)
    {
        // Once sealed, who is where is what the topology says.
        if (register.Topology.Current is { IsSealed: false } forming && forming.Includes(from.Address))
            return new ControlReply.Greeted(self, await register.HelloAsync(from.Address, from.Incarnation), register.Topology.Current);
        return new ControlReply.Holds(self, register.Topology.Current);
    }
}
