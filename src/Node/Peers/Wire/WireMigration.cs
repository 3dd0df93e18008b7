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
        return wire;
    }

    public static TransferRequest ToDomain(this W.TransferRequest wire)
    {
        if (wire.Ranges.Any(range => range.First > range.Last)) throw new WireFormatException("A range ends before it begins.");
        return new(new(wire.Epoch), new(wire.Source), wire.Have.ToDomain(), [.. wire.Ranges.Select(range => RingRange.Between(range.First, range.Last))]);
    }

    public static W.TransferPiece ToWire(this TransferPiece piece)
    {
        switch (piece)
        {
            case TransferPiece.Cut cut:
                return new() { Cut = cut.Vector.ToWire() };
            case TransferPiece.Records records:
                var wire = new W.TransferPiece.Types.Records();
                foreach (var record in records.All) wire.Records_.Add(record.ToWire());
                return new() { Records = wire };
            case TransferPiece.End end:
                return new() { End = new() { Count = (ulong)end.Count, Digest = end.Digest } };
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    public static TransferPiece ToDomain(this W.TransferPiece wire) => wire.PieceCase switch
    {
        W.TransferPiece.PieceOneofCase.Cut => new TransferPiece.Cut(wire.Cut.ToDomain()),
        W.TransferPiece.PieceOneofCase.Records => new TransferPiece.Records([.. wire.Records.Records_.Select(record => record.ToDomain())]),
        W.TransferPiece.PieceOneofCase.End => new TransferPiece.End((long)wire.End.Count, wire.End.Digest),
        _ => throw new WireFormatException("A piece of a transfer of a kind that is not known here."),
    };
}
