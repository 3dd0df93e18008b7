using System.Text.Unicode;
using Google.Protobuf;
using Kv.Common.Identity;
using Kv.Node.Requests;
using W = Kv.Wire;

namespace Kv.Node.Peers.Wire;

/// <summary>Listings and what they give between their domain and wire forms. No key is empty, so an empty one stands for none.</summary>
internal static class WireListing
{
    public static W.Listing ToWire(this Listing listing) => new()
    {
        Prefix = listing.Prefix.ToWire(),
        After = ToWire(listing.After),
        Through = ToWire(listing.Through),
        MaxKeys = (uint)listing.MaxKeys,
        MaxBytes = (uint)listing.MaxBytes,
        KeysOnly = !listing.WithValues,
    };

    public static Listing ToDomain(this W.Listing wire) => new(
        wire.Prefix.Memory, ToKey(wire.After), ToKey(wire.Through), (int)Math.Min(wire.MaxKeys, int.MaxValue), (int)Math.Min(wire.MaxBytes, int.MaxValue), !wire.KeysOnly);

    public static W.Listed ToWire(this Outcome.Listed listed)
    {
        var wire = new W.Listed { Through = ToWire(listed.Through), Token = listed.Token.ToWire(), Group = listed.Group.Value, Epoch = listed.Epoch.Value };
        wire.Keys.Capacity = listed.Keys.Count;
        foreach (var key in listed.Keys) wire.Keys.Add(new W.ListedKey { Key = key.Key.Utf8.ToWire(), Value = key.Value.ToWire(), Version = key.Version.ToWire() });
        return wire;
    }

    public static Outcome.Listed ToDomain(this W.Listed wire)
    {
        var keys = new ListedKey[wire.Keys.Count];
        for (var i = 0; i < keys.Length; i++)
        {
            keys[i] = new(ToKey(wire.Keys[i].Key) ?? throw new WireFormatException("A listed key that is empty."), wire.Keys[i].Value.Memory, wire.Keys[i].Version.Memory);
        }

        return new(keys, ToKey(wire.Through), wire.Token.Memory, new(wire.Group), new(wire.Epoch));
    }

    private static ByteString ToWire(Key? key) => key is { } present ? present.Utf8.ToWire() : ByteString.Empty;

    // What is no text could not be shown to a client.
    private static Key? ToKey(ByteString wire) => wire.IsEmpty ? null : Utf8.IsValid(wire.Span) ? new Key(wire.Memory) : throw new WireFormatException("A key that is not UTF-8.");
}
