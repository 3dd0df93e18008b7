using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Node.Changes;
using Kv.Node.Replication;
using W = Kv.Wire;

namespace Kv.Node.Peers.Wire;

/// <summary>The change feed's questions and answers between their domain and wire forms.</summary>
internal static class WireChanges
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(1);

    public static W.ChangeQuestion ToWire(this ChangeQuestion question, NodeIdentity sender) => new()
    {
        Sender = sender.ToWire(),
        Epoch = question.Epoch.Value,
        Group = question.Group.Value,
        Prefix = question.Prefix.ToWire(),
        Passed = question.Passed.ToWire(),
        MaxBytes = (uint)question.MaxBytes,
        WaitMilliseconds = question.Wait is { } wait ? (uint)Math.Max(1, wait.TotalMilliseconds) : 0,
    };

    /// <summary>Whatever is asked for, no more than a batch is given, and nobody is kept waiting for long.</summary>
    public static ChangeQuestion ToDomain(this W.ChangeQuestion wire)
    {
        var wait = TimeSpan.FromMilliseconds(wire.WaitMilliseconds);
        return new(
            new(wire.Epoch),
            new(wire.Group),
            wire.Prefix.Memory,
            wire.Passed.ToDomain(),
            wire.MaxBytes is 0 or > RecordBatch.MaxBytes ? RecordBatch.MaxBytes : (int)wire.MaxBytes,
            wire.WaitMilliseconds == 0 ? null : wait < LongestWait ? wait : LongestWait);
    }

    public static W.ChangeAnswer ToWire(this ChangeAnswer answer)
    {
        switch (answer)
        {
            case ChangeAnswer.Told(var news):
                var told = new W.ChangeAnswer.Types.News { Cut = news.Cut.ToWire(), Whole = news.IsWhole };
                told.Passages.AddRange(news.Passages.Select(ToWire));
                return new() { News = told };
            case ChangeAnswer.BeyondLog(var isForgotten):
                return new() { BeyondLog = new() { Forgotten = isForgotten } };
            case ChangeAnswer.NotHere(var newest):
                return new() { NotHere = new() { Epoch = newest.Value } };
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    public static ChangeAnswer ToDomain(this W.ChangeAnswer wire) => wire.AnswerCase switch
    {
        W.ChangeAnswer.AnswerOneofCase.News => new ChangeAnswer.Told(new(wire.News.Cut.ToDomain(), [.. wire.News.Passages.Select(ToDomain)], wire.News.Whole)),
        W.ChangeAnswer.AnswerOneofCase.BeyondLog => new ChangeAnswer.BeyondLog(wire.BeyondLog.Forgotten),
        W.ChangeAnswer.AnswerOneofCase.NotHere => new ChangeAnswer.NotHere(new(wire.NotHere.Epoch)),
        _ => throw new WireFormatException("An answer of a kind that is not known here."),
    };

    public static W.ChangeScan ToWire(this ChangeScan scan, NodeIdentity sender) => new()
    {
        Sender = sender.ToWire(),
        Epoch = scan.Epoch.Value,
        Group = scan.Group.Value,
        Prefix = scan.Prefix.ToWire(),
        Passed = scan.Passed.ToWire(),
        All = scan.IsAll,
    };

    public static ChangeScan ToDomain(this W.ChangeScan wire) => new(new(wire.Epoch), new(wire.Group), wire.Prefix.Memory, wire.Passed.ToDomain(), wire.All);

    public static W.ChangePiece ToWire(this ChangePiece piece)
    {
        switch (piece)
        {
            case ChangePiece.Cut(var vector):
                return new() { Cut = vector.ToWire() };
            case ChangePiece.Records(var all):
                var records = new W.ChangePiece.Types.Records();
                records.Records_.AddRange(all.Select(record => record.ToWire()));
                return new() { Records = records };
            case ChangePiece.End(var isForgotten):
                return new() { End = new() { Forgotten = isForgotten } };
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    public static ChangePiece ToDomain(this W.ChangePiece wire) => wire.PieceCase switch
    {
        W.ChangePiece.PieceOneofCase.Cut => new ChangePiece.Cut(wire.Cut.ToDomain()),
        W.ChangePiece.PieceOneofCase.Records => new ChangePiece.Records([.. wire.Records.Records_.Select(record => record.ToDomain())]),
        W.ChangePiece.PieceOneofCase.End => new ChangePiece.End(wire.End.Forgotten),
        _ => throw new WireFormatException("A piece of a scan of a kind that is not known here."),
    };

    private static W.ChangeAnswer.Types.Passage ToWire(Passage passage) => passage.Record is { } record
        ? new() { Record = record.ToWire() }
        : new() { Gap = new W.Gap { After = passage.After, Through = passage.Through.ToWire() } };

    private static Passage ToDomain(W.ChangeAnswer.Types.Passage wire)
    {
        if (wire.Record is { } record) return Passage.Of(record.ToDomain());
        if (wire.Gap is not { Through: { } through } gap || through.Incarnation == 0 || through.Sequence <= gap.After) throw new WireFormatException("A gap needs a dot after its beginning.");
        return new(through.ToDomain(), gap.After, null);
    }
}
