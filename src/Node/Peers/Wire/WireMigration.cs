using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Migration;
using W = Kv.Wire;

namespace Kv.Node.Peers.Wire;

/// <summary>Transfers between their domain and wire forms.</summary>
internal static class WireMigration
{
    public static W.TransferRequest ToWire(this TransferRequest request, NodeIdentity sender)
    {
        var wire = new W.TransferRequest { Sender = sender.ToWire(), Epoch = request.Epoch.Value, Source = request.Source.Value, Have = request.Have.ToWire() };
        wire.Ranges.AddRange(request.Ranges.Select(range => new W.Range { First = range.First, Last = range.Last }));
        wire.Kind = (W.TransferKind)request.Kind;
        if (request.Kind is TransferKind.Records) wire.MaxBytes = (uint)request.MaxBytes;
        wire.Known.AddRange(request.Known.Select(known => new W.RangeSummary { Records = (ulong)known.Records, Digest = known.Digest }));
        return wire;
    }

    public static TransferRequest ToDomain(this W.TransferRequest wire)
    {
        if (wire.Ranges.Any(range => range.First > range.Last)) throw new WireFormatException("A range ends before it begins.");
        var kind = Enum.IsDefined((TransferKind)wire.Kind) ? (TransferKind)wire.Kind : throw new WireFormatException("Something is asked about ranges that is not known here.");
        if (wire.Known.Count != (kind is TransferKind.Differences ? wire.Ranges.Count : 0)) throw new WireFormatException("What is known is not one for each range.");
        // One that does not say so would take what it is given for everything.
        if (kind is TransferKind.Records && wire.MaxBytes == 0) throw new WireFormatException("It is not said how many bytes of records are taken at once.");
        return new(new(wire.Epoch), new(wire.Source), wire.Have.ToDomain(), [.. wire.Ranges.Select(range => RingRange.Between(range.First, range.Last))])
        {
            Kind = kind,
            MaxBytes = (int)Math.Min(wire.MaxBytes, TransferRequest.MostBytes),
            Known = [.. wire.Known.Select(known => new RangeSummary((long)known.Records, known.Digest))],
        };
    }

    public static W.TransferPiece ToWire(this TransferPiece piece)
    {
        switch (piece)
        {
            case TransferPiece.Cut cut:
                return new() { Cut = cut.Vector.ToWire(), Clock = cut.Clock.Packed };
            case TransferPiece.Records records:
                var wire = new W.TransferPiece.Types.Records();
                foreach (var record in records.All) wire.Records_.Add(record.ToWire());
                return new() { Records = wire };
            case TransferPiece.Differences differences:
                var differing = new W.TransferPiece.Types.Differences();
                differing.Index.AddRange(differences.All.Select(difference => (uint)difference.Index));
                differing.Records.AddRange(differences.All.Select(difference => (ulong)difference.Records));
                return new() { Differences = differing };
            case TransferPiece.Entries entries:
                var listed = new W.TransferPiece.Types.Entries();
                listed.Position.AddRange(entries.All.Select(entry => entry.Position));
                listed.Digest.AddRange(entries.All.Select(entry => entry.Digest));
                return new() { Entries = listed };
            case TransferPiece.End end:
                var last = new W.TransferPiece.Types.End { Count = (ulong)end.Count, Digest = end.Digest };
                if (end.Through is { } through) last.Through = through;
                return new() { End = last };
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    public static TransferPiece ToDomain(this W.TransferPiece wire) => wire.PieceCase switch
    {
        W.TransferPiece.PieceOneofCase.Cut => new TransferPiece.Cut(wire.Cut.ToDomain()) { Clock = new(wire.Clock) },
        W.TransferPiece.PieceOneofCase.Records => new TransferPiece.Records([.. wire.Records.Records_.Select(record => record.ToDomain())]),
        W.TransferPiece.PieceOneofCase.Differences => wire.Differences.Index.Count == wire.Differences.Records.Count
            ? new TransferPiece.Differences([.. wire.Differences.Index.Zip(wire.Differences.Records, (index, records) => new RangeDifference((int)index, (long)records))])
            : throw new WireFormatException("Differences without their counts."),
        W.TransferPiece.PieceOneofCase.Entries => wire.Entries.Position.Count == wire.Entries.Digest.Count
            ? new TransferPiece.Entries([.. wire.Entries.Position.Zip(wire.Entries.Digest, (position, digest) => new RangeEntry(position, digest))])
            : throw new WireFormatException("Entries without their digests."),
        W.TransferPiece.PieceOneofCase.End => new TransferPiece.End((long)wire.End.Count, wire.End.Digest) { Through = wire.End.HasThrough ? wire.End.Through : null },
        _ => throw new WireFormatException("A piece of a transfer of a kind that is not known here."),
    };
}
