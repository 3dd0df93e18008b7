using Kv.Common.Causality;
using Kv.Common.Replication;
using Kv.Node.Replica;

namespace Kv.Node.Replication;

/// <summary>Walks one incarnation's log from after a sequence up to a dot, reading a batch at a time. Ends early where the log does.</summary>
internal sealed class LogCursor(ReplicaState replica, ulong after, Dot last)
{
    private IReadOnlyList<WriteRecord> _read = [];
    private int _at = -1;
    private ulong _position = after;

    public WriteRecord Current => _read[_at];

    public bool MoveNext()
    {
        if (_position >= last.Sequence) return false;
        if (++_at >= _read.Count)
        {
            _read = replica.ReadLog(last.Origin, _position, RecordBatch.MaxRecords, RecordBatch.MaxBytes);
            _at = 0;
            if (_read.Count == 0) return false;
        }

        _position = Current.Dot.Sequence;
        return true;
    }
}
