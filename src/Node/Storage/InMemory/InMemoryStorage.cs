using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Time;
using Kv.Common.Topology;
using Kv.Node.Signals;

namespace Kv.Node.Storage.InMemory;

/// <summary>
/// The engine's twin without a disk: for the simulator, where <see cref="InMemoryDisk"/> is the disk and can fail, and for development, where losing
/// everything at the end is fine. Gives every guarantee of <see cref="IStorageEngine"/>, as far as the disk outlives it.
/// </summary>
internal sealed class InMemoryStorage : IStorageEngine
{
    private readonly InMemoryDisk _disk;
    private readonly int _holder;
    private readonly Lock _gate = new();
    private volatile StoredState _state;
    // What the disk holds once all that was handed to it is synced. Changes are made to this, not to what is visible: a meta write may overlap with a
    // commit, and neither may undo the other.
    private StoredState _pending;
    private volatile bool _closed;
    private StorageFailedException? _failure;

    /// <summary>Opens what is synced on <paramref name="disk"/>. Whatever engine used it before can do no more.</summary>
    public InMemoryStorage(InMemoryDisk disk)
    {
        _disk = disk;
        (_holder, _pending) = disk.Attach();
        _state = _pending;
    }

    public ReplicaCheckpoint Checkpoint => _state.Checkpoint;

    public long LogBytes => _state.Log.Sum(record => (long)RecordCodec.Measure(record));

    public StorageRoom Room => _disk.Room;

    public Published<StorageHealth> Health { get; } = new(StorageHealth.Sound);

    public WriteRecord? Read(Key key)
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        var probe = new WriteRecord(key, default, true, HybridTimestamp.Zero, default, default);
        return _state.Winners.TryGetValue(probe, out var winner) ? winner : null;
    }

    public ValueTask CommitAsync(StorageBatch batch) => WriteAsync(state => state.With(batch), synced: true);

    public LogSlice? ReadLog(Origin origin, ulong after, ulong through, int maxRecords, int maxBytes)
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        var state = _state;
        if (after < state.Trimmed[origin]) return null;
        var records = new List<WriteRecord>();
        var bytes = 0L;
        if (maxRecords == 0 || after >= through) return new(records, after);
        for (var at = state.FirstAfter(new(origin, after)); at < state.Log.Count && state.Log[at] is var record && record.Dot.Origin == origin && record.Dot.Sequence <= through; at++)
        {
            bytes += record.Value.Length + record.Token.Length;
            if (bytes > maxBytes && records.Count > 0) return new(records, records[^1].Dot.Sequence);
            records.Add(record);
            if (records.Count == maxRecords) return new(records, record.Dot.Sequence);
        }

        return new(records, through);
    }

    public IReadOnlyDictionary<int, ArcSummary>? ReadArcs()
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        return _state.Arcs.Where(arc => arc.Value != default).ToDictionary();
    }

    public ValueTask TrimLogAsync(VersionVector upTo) => _state.Trimmed.Covers(upTo) ? ValueTask.CompletedTask : WriteAsync(state => state.WithoutLog(upTo), synced: false);

    public IEnumerable<WriteRecord> Scan(RingRange range)
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        return Scan(this, range);

        static IEnumerable<WriteRecord> Scan(InMemoryStorage storage, RingRange range)
        {
            foreach (var record in storage._state.Scan(range)) yield return record;
        }
    }

    public IEnumerable<WriteRecord> ScanAfter(Key key)
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        return Scan(this, key);

        static IEnumerable<WriteRecord> Scan(InMemoryStorage storage, Key key)
        {
            var state = storage._state;
            for (var at = state.FirstAfterKey(key); at < state.Winners.Count; at++) yield return state.Winners[at];
        }
    }

    public IStorageSnapshot TakeSnapshot()
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        return new Snapshot(_state);
    }

    public byte[]? ReadMeta(string name)
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        return _state.Meta.TryGetValue(name, out var value) ? [.. value] : null;
    }

    public ValueTask WriteMetaAsync(string name, ReadOnlyMemory<byte> value)
    {
        var copy = value.ToArray();
        return WriteAsync(state => state with { Meta = state.Meta.SetItem(name, copy) }, synced: true);
    }

    public ValueTask DisposeAsync()
    {
        _closed = true;
        return ValueTask.CompletedTask;
    }

    private async ValueTask WriteAsync(Func<StoredState, StoredState> change, bool synced)
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        if (_failure is not null) throw new StorageFailedException(_failure.Message, _failure);
        try
        {
            await _disk.StepAsync(_holder, DiskStep.Write);
            lock (_gate)
            {
                _pending = change(_pending);
                _disk.Write(_pending);
                if (!synced) _state = change(_state);
            }

            if (synced)
            {
                await _disk.StepAsync(_holder, DiskStep.Sync);
                lock (_gate)
                {
                    _disk.Sync();
                    _state = _pending;
                }
            }

            await _disk.StepAsync(_holder, DiskStep.Acknowledge);
        }
        catch (StorageFailedException e)
        {
            _failure = e;
            if (Health.Current.Failure is null) Health.Publish(new(e));
            throw;
        }
    }

    private sealed class Snapshot(StoredState state) : IStorageSnapshot
    {
        public ReplicaCheckpoint Checkpoint => state.Checkpoint;

        public IEnumerable<WriteRecord> Scan(RingRange range) => state.Scan(range);

        public void Dispose()
        {
        }
    }
}
