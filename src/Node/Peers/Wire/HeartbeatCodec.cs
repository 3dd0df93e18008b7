using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Node.Membership;
using W = Kv.Wire;

namespace Kv.Node.Peers.Wire;

/// <summary>
/// The heartbeats of one stream between their domain and wire forms. A stream keeps its order and loses nothing, so what a beat repeats of the one before is left out: who sends it, and of its vector
/// what has not grown. An old cluster's vectors have dozens of entries, and beats go to everybody all the time. A peer that does not say that it understands this is sent whole beats.
/// </summary>
internal sealed class HeartbeatCodec
{
    private readonly Side _said = new();
    private readonly Side _heard = new();
    private volatile bool _peerReadsChanges;

    /// <summary>The next beat to be sent. One at a time, in the order in which they are sent.</summary>
    public W.Heartbeat ToWire(Heartbeat beat)
    {
        var sender = new NodeIdentity(beat.Cluster, beat.From, beat.Incarnation);
        var isKnown = _peerReadsChanges && _said.Sender == sender;
        var grows = isKnown && beat.Vector.Covers(_said.Vector);
        var wire = (grows ? beat with { Vector = beat.Vector.Without(_said.Vector) } : beat).ToWire();
        wire.ReadsChanges = true;
        wire.VectorChanges = grows;
        if (isKnown) wire.Sender = null;
        (_said.Sender, _said.Vector) = (sender, beat.Vector);
        return wire;
    }

    /// <summary>
    /// The next beat that was received. One at a time, in the order in which they came. Throws <see cref="WireFormatException"/> when one leaves out what was not said before.
    /// </summary>
    public Heartbeat ToDomain(W.Heartbeat wire)
    {
        if (wire.VectorChanges && (_heard.Sender is null || wire.Sender is not null)) throw new WireFormatException("A sender's first beat must have the whole vector.");
        _heard.Sender = wire.Sender is null && _heard.Sender is { } known ? known : wire.Sender.ToDomain();
        var vector = wire.Vector.ToDomain();
        _heard.Vector = wire.VectorChanges ? _heard.Vector.Join(vector) : vector;
        _peerReadsChanges = wire.ReadsChanges;
        return wire.ToDomain(_heard.Sender, _heard.Vector);
    }

    /// <summary>What was last said in one direction.</summary>
    private sealed class Side
    {
        public NodeIdentity? Sender { get; set; }

        public VersionVector Vector { get; set; } = VersionVector.Empty;
    }
}
