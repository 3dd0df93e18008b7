using Kv.Common.Identity;
using Kv.Common.Topology;
using W = Kv.Wire;

namespace Kv.Node.Peers.Wire;

/// <summary>What a node that looks for its cluster asks and is asked, between domain and wire form. What cannot be read throws <see cref="WireFormatException"/>.</summary>
internal static class WireDiscovery
{
    public static W.GetTopologyReply ToWire(this DiscoveryAnswer.Undecided answer, NodeAddress self)
    {
        var reply = new W.GetTopologyReply { Self = self.ToString(), Undecided = true };
        reply.View.AddRange(answer.View.Select(node => node.ToString()));
        return reply;
    }

    /// <summary><paramref name="asked"/> is the node that was asked: an address of VIEW that leads to another one says nothing about it.</summary>
    public static DiscoveryAnswer ToDiscoveryAnswer(this W.GetTopologyReply reply, NodeAddress asked)
    {
        if (reply.Self != asked.ToString()) throw new WireFormatException($"The node at {asked} calls itself {reply.Self}.");
        try
        {
            return reply.Undecided ? new DiscoveryAnswer.Undecided([.. reply.View.Select(NodeAddress.Parse)]) : new DiscoveryAnswer.Belongs(TopologyText.Parse(reply.Text));
        }
        catch (FormatException wrong)
        {
            throw new WireFormatException(wrong.Message);
        }
    }
}
