using Kv.Common.Consensus;
using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Topology;
using W = Kv.Wire;

namespace Kv.Node.Peers.Wire;

/// <summary>The topology register's messages between their domain and wire forms. What cannot be read throws <see cref="WireFormatException"/>.</summary>
internal static class WireControl
{
    public static ControlRequest ToDomain(this W.PrepareRequest wire) => new ControlRequest.Prepare(Topology(wire.Parent), wire.Ballot.ToDomain());

    public static ControlRequest ToDomain(this W.AcceptRequest wire) => new ControlRequest.Accept(Topology(wire.Parent), wire.Ballot.ToDomain(), Topology(wire.Value));

    public static ControlRequest ToDomain(this W.LearnRequest wire) => new ControlRequest.Learn(Topology(wire.Topology));

    public static W.PrepareRequest ToWire(this ControlRequest.Prepare request, NodeIdentity self) =>
        new() { Sender = self.ToWire(), Parent = TopologyText.Write(request.Parent), Ballot = request.Ballot.ToWire() };

    public static W.AcceptRequest ToWire(this ControlRequest.Accept request, NodeIdentity self) => new()
    {
        Sender = self.ToWire(),
        Parent = TopologyText.Write(request.Parent),
        Ballot = request.Ballot.ToWire(),
        Value = TopologyText.Write(request.Value),
    };

    public static W.LearnRequest ToWire(this ControlRequest.Learn request, NodeIdentity self) =>
        new() { Sender = self.ToWire(), Topology = TopologyText.Write(request.Topology) };

    public static W.VoteReply ToVote(this ControlReply reply, NodeIdentity self)
    {
        if (reply is ControlReply.Refused refused) return new() { From = self.ToWire(), Refused = refused.Reason };
        var voted = ((ControlReply.Voted)reply).Reply;
        var wire = new W.VoteReply { From = self.ToWire(), Ballot = voted.Ballot.ToWire() };
        switch (voted)
        {
            case Promise<ClusterTopology> promise:
                wire.Promised = new() { AcceptedAt = promise.AcceptedAt.ToWire(), Accepted = promise.Accepted is { } accepted ? TopologyText.Write(accepted) : "" };
                break;
            case Vote<ClusterTopology> vote:
                wire.Voted = vote.Digest;
                break;
            case Outbid<ClusterTopology> outbid:
                wire.Outbid = outbid.Promised.ToWire();
                break;
            case ProposerBehind<ClusterTopology> behind:
                wire.Behind = TopologyText.Write(behind.Newer);
                break;
            case Conflicting<ClusterTopology> { Conflict: var conflict }:
                wire.Conflict = new() { Epoch = conflict.Epoch.Value, Known = conflict.Known, Other = conflict.Other };
                break;
            case NotAnAcceptor<ClusterTopology>:
                wire.NoVote = W.NoVote.NotAnAcceptor;
                break;
            case NotEstablished<ClusterTopology>:
                wire.NoVote = W.NoVote.NotEstablished;
                break;
            default:
                throw new System.Diagnostics.UnreachableException();
        }

        return wire;
    }

    public static ControlReply ToDomain(this W.VoteReply wire)
    {
        if (wire.ReplyCase is W.VoteReply.ReplyOneofCase.Refused) return new ControlReply.Refused(wire.Refused);
        var sender = wire.From.ToDomain();
        var from = new Acceptor(sender.Address, sender.Incarnation);
        var ballot = wire.Ballot.ToDomain();
        return new ControlReply.Voted(wire.ReplyCase switch
        {
            W.VoteReply.ReplyOneofCase.Promised => new Promise<ClusterTopology>(
                from, ballot, wire.Promised.AcceptedAt.ToDomain(), wire.Promised.Accepted.Length == 0 ? null : Topology(wire.Promised.Accepted)),
            W.VoteReply.ReplyOneofCase.Voted => new Vote<ClusterTopology>(from, ballot, wire.Voted),
            W.VoteReply.ReplyOneofCase.Outbid => new Outbid<ClusterTopology>(from, ballot, wire.Outbid.ToDomain()),
            W.VoteReply.ReplyOneofCase.Behind => new ProposerBehind<ClusterTopology>(from, ballot, Topology(wire.Behind)),
            W.VoteReply.ReplyOneofCase.Conflict => new Conflicting<ClusterTopology>(from, ballot, new(new(wire.Conflict.Epoch), wire.Conflict.Known, wire.Conflict.Other)),
            W.VoteReply.ReplyOneofCase.NoVote when wire.NoVote is W.NoVote.NotEstablished => new NotEstablished<ClusterTopology>(from, ballot),
            W.VoteReply.ReplyOneofCase.NoVote => new NotAnAcceptor<ClusterTopology>(from, ballot),
            _ => throw new WireFormatException("A vote says nothing."),
        });
    }

    public static W.HoldsReply ToHolds(this ControlReply reply) => reply is ControlReply.Holds holds
        ? new() { From = holds.From.ToWire(), Topology = TopologyText.Write(holds.Topology) }
        : throw new WireFormatException(((ControlReply.Refused)reply).Reason);

    public static ControlReply ToDomain(this W.HoldsReply wire) => new ControlReply.Holds(wire.From.ToDomain(), Topology(wire.Topology));

    public static W.HelloReply ToHello(this ControlReply reply) => reply switch
    {
        ControlReply.Greeted greeted => new()
        {
            From = greeted.From.ToWire(),
            Topology = TopologyText.Write(greeted.Topology),
            Forming = true,
            TakenBy = greeted.Reply is HelloReply.Taken taken ? taken.By.Value : 0,
        },
        ControlReply.Holds holds => new() { From = holds.From.ToWire(), Topology = TopologyText.Write(holds.Topology) },
        _ => throw new WireFormatException(((ControlReply.Refused)reply).Reason),
    };

    public static ControlReply ToDomain(this W.HelloReply wire)
    {
        var from = wire.From.ToDomain();
        var topology = Topology(wire.Topology);
        if (!wire.Forming) return new ControlReply.Holds(from, topology);
        return new ControlReply.Greeted(from, wire.TakenBy == 0 ? new HelloReply.Recorded() : new HelloReply.Taken(new(wire.TakenBy)), topology);
    }

    private static W.Ballot ToWire(this Ballot ballot) => new() { Round = ballot.Round, Proposer = ballot.Proposer.Value };

    private static Ballot ToDomain(this W.Ballot? wire) => wire is null ? Ballot.None : new(wire.Round, new(wire.Proposer));

    private static ClusterTopology Topology(string text)
    {
        try
        {
            return TopologyText.Parse(text);
        }
        catch (FormatException wrong)
        {
            throw new WireFormatException(wrong.Message);
        }
    }
}
