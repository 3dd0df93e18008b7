using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Node.Replication;
using W = Kv.Wire;

namespace Kv.Node.Peers.Wire;

/// <summary>Records and acknowledgements between their domain and wire forms.</summary>
internal static class WireReplication
{
    public static W.RecordBatch ToWire(this RecordBatch batch)
    {
        var wire = new W.RecordBatch();
        wire.Records.Capacity = batch.Records.Count;
        foreach (var record in batch.Records) wire.Records.Add(record.ToWire());
        return wire;
    }

    public static RecordBatch ToDomain(this W.RecordBatch batch)
    {
        var records = new WriteRecord[batch.Records.Count];
        for (var i = 0; i < records.Length; i++) records[i] = batch.Records[i].ToDomain();
        return new(records);
    }

    public static W.WriteRecord ToWire(this WriteRecord record) => new()
    {
        Key = record.Key.Utf8.ToWire(),
        Value = record.Value.ToWire(),
        Tombstone = record.IsTombstone,
        Stamp = record.Stamp.Packed,
        Dot = record.Dot.ToWire(),
        Token = record.Token.ToWire(),
    };

    /// <summary>Checks what the replica relies on, because a record once applied stays: throws <see cref="WireFormatException"/>.</summary>
    public static WriteRecord ToDomain(this W.WriteRecord wire)
    {
        if (wire.Key.IsEmpty || wire.Dot is null || wire.Dot.Sequence == 0 || wire.Dot.Incarnation == 0)
            throw new WireFormatException("A record needs a key and a dot.");
        var record = new WriteRecord(
            new Key(wire.Key.Memory), wire.Value.Memory, wire.Tombstone, new(wire.Stamp), wire.Dot.ToDomain(), wire.Token.Memory);
        try
        {
            _ = record.OpenedToken;
        }
        catch (InvalidDataException)
        {
            throw new WireFormatException($"The token of record {record.Dot} is not readable.");
        }

        return record;
    }

    public static W.Acknowledgement ToWire(this Acknowledgement acknowledgement, NodeIdentity sender) =>
        new() { Sender = sender.ToWire(), Vector = acknowledgement.Vector.ToWire() };

    public static Acknowledgement ToDomain(this W.Acknowledgement wire) => new(wire.Sender.ToDomain().Incarnation, wire.Vector.ToDomain());

    public static W.FetchRequest ToWire(this FetchRequest request, NodeIdentity sender) =>
        new() { Sender = sender.ToWire(), Have = request.Have.ToWire(), Want = request.Want.ToWire() };

    public static FetchRequest ToDomain(this W.FetchRequest wire) => new(wire.Have.ToDomain(), wire.Want.ToDomain());
}
