using Kv.Common.Causality;
using Kv.Common.Replication;
using Kv.Common.Time;
using Kv.Node.Replica;

namespace Kv.Node.Replication;

/// <summary>
/// Walks one origin's log from after a sequence up to a dot, reading a batch at a time; what is not for the receiver becomes gaps. Ends early where the log does not reach.
/// </summary>
internal sealed class LogCursor(ReplicaState replica, ulong after, Dot last, Func<WriteRecord, bool>? isForReceiver = null, int maxBytes = RecordBatch.MaxBytes)
{
    private readonly Queue<(Passage Passage, HybridTimestamp Stamp)> _read = new();
    private ulong _readThrough = after;
    private HybridTimestamp _stamp;

    public Passage Current { get; private set; }

    /// <summary>Never less than that of what came before. A gap has the stamp of what came before it: it may always go early, and others may wait for what is in it.</summary>
    public HybridTimestamp Stamp { get; private set; }

    /// <summary>True when it has ended early.</summary>
    public bool IsBroken { get; private set; }

    public bool MoveNext()
    {
        if (_read.Count == 0 && !Read()) return false;
        (Current, Stamp) = _read.Dequeue();
        return true;
    }

    private bool Read()
    {
        if (_readThrough >= last.Sequence) return false;
        if (replica.ReadLog(last.Origin, _readThrough, last.Sequence, RecordBatch.MaxRecords, maxBytes) is not { } slice)
        {
            IsBroken = true;
            return false;
        }

        foreach (var record in slice.Records)
        {
            if (isForReceiver?.Invoke(record) == false) continue;
            Skip(record.Dot.Sequence - 1);
            _stamp = HybridTimestamp.Max(_stamp, record.Stamp);
            _read.Enqueue((Passage.Of(record), _stamp));
            _readThrough = record.Dot.Sequence;
        }

        Skip(slice.Through);
        return _read.Count > 0;
    }

    private void Skip(ulong through)
    {
        if (through <= _readThrough) return;
        _read.Enqueue((new(last with { Sequence = through }, _readThrough, null), _stamp));
        _readThrough = through;
    }
}
