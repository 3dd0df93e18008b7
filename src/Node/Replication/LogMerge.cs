using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Time;

namespace Kv.Node.Replication;

/// <summary>
/// The logs of several origins as one, in the order of their stamps. A write's stamp exceeds those of all it depends on, so whoever is sent this can apply it as it
/// comes, and nothing waits for what is sent only after it.
/// </summary>
internal sealed class LogMerge
{
    private readonly PriorityQueue<LogCursor, (HybridTimestamp, Origin)> _origins = new();

    private readonly int _maxBytes;

    public LogMerge(IEnumerable<LogCursor> cursors, int maxBytes = RecordBatch.MaxBytes)
    {
        _maxBytes = maxBytes;
        foreach (var cursor in cursors) Advance(cursor);
    }

    /// <summary>True when <see cref="Next"/> would give another batch.</summary>
    public bool HasMore => _origins.Count > 0;

    /// <summary>True when one of the logs no longer reached back to where it was read from: what comes after it may lack what came before.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>The next batch, or null at the end.</summary>
    public RecordBatch? Next()
    {
        var batch = new List<Passage>();
        var bytes = 0;
        while (batch.Count < RecordBatch.MaxRecords && bytes < _maxBytes && _origins.TryDequeue(out var cursor, out _))
        {
            batch.Add(cursor.Current);
            bytes += cursor.Current.Size;
            Advance(cursor);
        }

        return batch.Count > 0 ? new(batch) : null;
    }

    private void Advance(LogCursor cursor)
    {
        if (cursor.MoveNext()) _origins.Enqueue(cursor, (cursor.Stamp, cursor.Current.Through.Origin));
        IsBroken |= cursor.IsBroken;
    }
}
