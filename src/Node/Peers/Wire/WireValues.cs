using Google.Protobuf;
using Kv.Common.Causality;
using Kv.Common.Identity;
using W = Kv.Wire;

namespace Kv.Node.Peers.Wire;

/// <summary>Values between their domain and wire forms. Bytes are wrapped, not copied: both forms are immutable.</summary>
internal static class WireValues
{
    public static W.Dot ToWire(this Dot dot) => new() { Incarnation = dot.Origin.Incarnation.Value, Group = dot.Origin.Group.Value, Sequence = dot.Sequence };

    public static Dot ToDomain(this W.Dot dot) => new(new(new(dot.Incarnation), new(dot.Group)), dot.Sequence);

    public static W.VersionVector ToWire(this VersionVector vector)
    {
        var wire = new W.VersionVector();
        foreach (var dot in vector) wire.Entries.Add(dot.ToWire());
        return wire;
    }

    public static VersionVector ToDomain(this W.VersionVector? vector) =>
        vector is null ? VersionVector.Empty : VersionVector.Of(vector.Entries.Select(ToDomain));

    public static W.Sender ToWire(this NodeIdentity node) =>
        new() { Cluster = node.Cluster.Value, Address = node.Address.ToString(), Incarnation = node.Incarnation.Value };

    /// <summary>Throws <see cref="WireFormatException"/> when it is absent or names no address.</summary>
    public static NodeIdentity ToDomain(this W.Sender? sender)
    {
        if (sender is null) throw new WireFormatException("The first message must say who sends it.");
        return NodeAddress.TryParse(sender.Address, out var address)
            ? new(new(sender.Cluster), address, new(sender.Incarnation))
            : throw new WireFormatException("The sender's address is not of the form host:port.");
    }

    public static ByteString ToWire(this ReadOnlyMemory<byte> bytes) => UnsafeByteOperations.UnsafeWrap(bytes);
}
