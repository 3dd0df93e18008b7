using Kv.Common.Causality;
using Kv.Common.Replication;
using Kv.Common.Time;
using Kv.Node.Replica;

namespace Kv.Node.Replication;

/// <summary>
/// Walks one origin's log from after a sequence up to a dot, reading a batch at a time; what is not for the receiver becomes gaps. Ends early where the log does not reach.
/// </summary>
internal sealed class LogCursor(ReplicaState replica, ulong after, Dot last, Func<ulong, bool>? isForReceiver = null)
{
    private readonly Queue<(Passage Passage, HybridTimestamp Stamp)> _read = new();
    private ulong _readThrough = after;
    private HybridTimestamp _stamp;

    public Passage Current { get; private set; }

    /// <summary>Never less than that of what came before: a gap has the stamp of the last write in it that is known here.</summary>
    public HybridTimestamp Stamp { get; private set; }

    public bool MoveNext()
    {
        if (_read.Count == 0 && !Read()) return false;
        (Current, Stamp) = _read.Dequeue();
        return true;
    }

    private bool Read()
    {
        if (_readThrough >= last.Sequence || replica.ReadLog(last.Origin, _readThrough, last.Sequence, RecordBatch.MaxRecords, RecordBatch.MaxBytes) is not { } slice) return false;
        foreach (var record in slice.Records)
        {
            _stamp = HybridTimestamp.Max(_stamp, record.Stamp);
            if (isForReceiver?.Invoke(record.Key.Position) == false) continue;
            _read.Enqueue((new(record.Dot, _readThrough, record), _stamp));
            _readThrough = record.Dot.Sequence;
        }

        if (slice.Through > _readThrough) _read.Enqueue((new(last with { Sequence = slice.Through }, _readThrough, null), _stamp));
        _readThrough = slice.Through;
        return _read.Count > 0;
    }
}
