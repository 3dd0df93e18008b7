using Kv.Common.Backup;
using Kv.Common.Identity;
using Kv.Node.Backup;
using W = Kv.Wire;

namespace Kv.Node.Peers.Wire;

/// <summary>Backup parts between their domain and wire forms.</summary>
internal static class WireBackup
{
    public static W.BackupRequest ToWire(this BackupRequest request, NodeIdentity sender)
    {
        switch (request)
        {
            case BackupRequest.Open open:
                return new() { Sender = sender.ToWire(), Open = new() { Epoch = open.Epoch.Value, Source = open.Source.Value } };
            case BackupRequest.Pin pin:
                return new() { Pin = new() { Have = pin.Have.ToWire() } };
            case BackupRequest.Settle settle:
                return new() { Settle = new() { Known = settle.Known.ToWire(), Stamp = settle.Stamp.Packed } };
            case BackupRequest.Include include:
                return new() { Include = new() { Through = include.Through.ToWire() } };
            case BackupRequest.Scan scan:
                var wire = new W.BackupRequest.Types.Scan { DigestOnly = scan.DigestOnly };
                wire.Parts.AddRange(scan.Parts.Select(part => new W.BackupPart { Group = part.Group.Value, Vector = part.Vector.ToWire() }));
                return new() { Scan = wire };
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    public static BackupRequest ToDomain(this W.BackupRequest wire) => wire.RequestCase switch
    {
        W.BackupRequest.RequestOneofCase.Open => new BackupRequest.Open(new(wire.Open.Epoch), new(wire.Open.Source)),
        W.BackupRequest.RequestOneofCase.Pin => new BackupRequest.Pin(wire.Pin.Have.ToDomain()),
        W.BackupRequest.RequestOneofCase.Settle => new BackupRequest.Settle(wire.Settle.Known.ToDomain(), new(wire.Settle.Stamp)),
        W.BackupRequest.RequestOneofCase.Include => new BackupRequest.Include(wire.Include.Through.ToDomain()),
        W.BackupRequest.RequestOneofCase.Scan => new BackupRequest.Scan([.. wire.Scan.Parts.Select(part => new BackupPart(new(part.Group), part.Vector.ToDomain()))], wire.Scan.DigestOnly),
        _ => throw new WireFormatException("Something is asked of a backup that is not known here."),
    };

    public static W.BackupPiece ToWire(this BackupPiece piece)
    {
        switch (piece)
        {
            case BackupPiece.Opened opened:
                return new() { Opened = opened.Vector.ToWire() };
            case BackupPiece.Held held:
                return new() { Held = new() { Vector = held.Vector.ToWire(), Dependencies = held.Dependencies.ToWire(), LiveKeys = (ulong)held.LiveKeys, Clock = held.Clock.Packed } };
            case BackupPiece.Entries entries:
                var wire = new W.BackupPiece.Types.Entries();
                foreach (var entry in entries.All) wire.Entries_.Add(new W.BackupEntry { Key = entry.Key.Utf8.ToWire(), Value = entry.Value.ToWire(), Stamp = entry.Stamp.Packed });
                return new() { Entries = wire };
            case BackupPiece.End end:
                return new() { End = new() { Count = (ulong)end.Content.Count, Bytes = (ulong)end.Content.Bytes, Digest = end.Content.Value } };
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    public static BackupPiece ToDomain(this W.BackupPiece wire) => wire.PieceCase switch
    {
        W.BackupPiece.PieceOneofCase.Opened => new BackupPiece.Opened(wire.Opened.ToDomain()),
        W.BackupPiece.PieceOneofCase.Held => new BackupPiece.Held(wire.Held.Vector.ToDomain(), wire.Held.Dependencies.ToDomain(), (long)wire.Held.LiveKeys, new(wire.Held.Clock)),
        W.BackupPiece.PieceOneofCase.Entries =>
            new BackupPiece.Entries([.. wire.Entries.Entries_.Select(entry => new BackupEntry(new Key(entry.Key.Memory), entry.Value.Memory, new(entry.Stamp)))]),
        W.BackupPiece.PieceOneofCase.End => new BackupPiece.End(new((long)wire.End.Count, (long)wire.End.Bytes, wire.End.Digest)),
        _ => throw new WireFormatException("A piece of a backup of a kind that is not known here."),
    };
}
