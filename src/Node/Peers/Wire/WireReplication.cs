using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Node.Replication;
using W = Kv.Wire;

namespace Kv.Node.Peers.Wire;

/// <summary>Records and acknowledgements between their domain and wire forms.</summary>
internal static class WireReplication
{
    /// <summary>Passages that end with a record are written as records; those without, which come last of their origin, as gaps.</summary>
    public static W.RecordBatch ToWire(this RecordBatch batch)
    {
        var wire = new W.RecordBatch();
        wire.Records.Capacity = batch.Passages.Count;
        foreach (var passage in batch.Passages)
        {
            if (passage.Record is { } record)
            {
                var written = record.ToWire();
                written.Skipped = passage.Through.Sequence - passage.After - 1;
                wire.Records.Add(written);
            }
            else
            {
                wire.Gaps.Add(new W.Gap { After = passage.After, Through = passage.Through.ToWire() });
            }
        }

        return wire;
    }

    public static RecordBatch ToDomain(this W.RecordBatch batch)
    {
        var passages = new List<Passage>(batch.Records.Count + batch.Gaps.Count);
        foreach (var written in batch.Records)
        {
            var record = written.ToDomain();
            if (written.Skipped >= record.Dot.Sequence) throw new WireFormatException($"Record {record.Dot} skips more than comes before it.");
            passages.Add(new(record.Dot, record.Dot.Sequence - 1 - written.Skipped, record));
        }

        foreach (var gap in batch.Gaps)
        {
            if (gap.Through is null || gap.Through.Incarnation == 0 || gap.Through.Sequence <= gap.After) throw new WireFormatException("A gap needs a dot after its beginning.");
            passages.Add(new(gap.Through.ToDomain(), gap.After, null));
        }

        return new(passages);
    }

    public static W.RecordBatch ToWire(this BroadcastOpening opening, NodeIdentity sender) =>
        new() { Sender = sender.ToWire(), Epoch = opening.Epoch.Value, Layout = (uint)opening.Scope.Layout, Reshard = opening.Scope.Reshard.Value };

    public static BroadcastOpening ToOpening(this W.RecordBatch wire) => new(new(wire.Epoch), new((int)wire.Layout, new(wire.Reshard)));

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
        if (wire.Value.IsEmpty != wire.Tombstone) throw new WireFormatException("A record has a value, or is a tombstone.");
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
        new() { Sender = sender.ToWire(), Have = request.Have.ToWire(), Want = request.Want.ToWire(), Place = request.Place.Value };

    public static FetchRequest ToDomain(this W.FetchRequest wire) => new(new(wire.Place), wire.Have.ToDomain(), wire.Want.ToDomain());
}
