using Kv.Common.Causality;
using Kv.Common.Replication;
using Kv.Common.Time;
using Kv.Node.Replica;

namespace Kv.Node.Replication;

/// <summary>Walks one origin's log from after a sequence up to a dot, reading a batch at a time. Ends early where the log does not reach.</summary>
internal sealed class LogCursor(ReplicaState replica, ulong after, Dot last)
{
    private readonly Queue<Passage> _read = new();
    private ulong _readThrough = after;

    public Passage Current { get; private set; }

    /// <summary>The stamp of the record at hand; a gap at the end comes after all records.</summary>
    public HybridTimestamp Stamp => Current.Record?.Stamp ?? new(ulong.MaxValue);

    public bool MoveNext()
    {
        if (_read.Count == 0 && !Read()) return false;
        Current = _read.Dequeue();
        return true;
    }

    private bool Read()
    {
        if (_readThrough >= last.Sequence || replica.ReadLog(last.Origin, _readThrough, last.Sequence, RecordBatch.MaxRecords, RecordBatch.MaxBytes) is not { } slice) return false;
        foreach (var record in slice.Records)
        {
            _read.Enqueue(new(record.Dot, _readThrough, record));
            _readThrough = record.Dot.Sequence;
        }

        if (slice.Through > _readThrough) _read.Enqueue(new(last with { Sequence = slice.Through }, _readThrough, null));
        _readThrough = slice.Through;
        return _read.Count > 0;
    }
}
