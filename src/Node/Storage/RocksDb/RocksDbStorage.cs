using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Topology;
using Kv.Node.Signals;
using RocksDbSharp;
using Database = RocksDbSharp.RocksDb;

namespace Kv.Node.Storage.RocksDb;

/// <summary>
/// The embedded engine: RocksDB, one write batch and one sync per commit. See <see cref="RowKeys"/> and <see cref="RecordCodec"/> for what is on disk.
/// </summary>
internal sealed class RocksDbStorage : IStorageEngine
{
    private static readonly WriteOptions Synced = new WriteOptions().SetSync(true);
    private static readonly WriteOptions Unsynced = new WriteOptions().SetSync(false);

    private readonly Database _database;
    private readonly Watermark _watermark;
    private readonly DbOptions _options;
    private readonly ColumnFamilyHandle _data;
    private readonly ColumnFamilyHandle _log;
    private readonly PointReader _reader;
    private readonly LogReader _logReader;
    private readonly UseGate _gate = new();
    private readonly FreeSpace _space;
    private readonly Lock _writing = new();

    private readonly Lock _failing = new();

    // The writer's own.
    private readonly ArrayBufferWriter<byte> _scratch = new(4096);
    private volatile StorageFailedException? _failure;

    private volatile ReplicaCheckpoint _checkpoint;
    private volatile VersionVector _trimmed;

    private RocksDbStorage(Database database, Watermark watermark, DbOptions options, FreeSpace space)
    {
        _database = database;
        _watermark = watermark;
        _options = options;
        _space = space;
        _data = database.GetColumnFamily(Tables.Data);
        _log = database.GetColumnFamily(Tables.Log);
        _reader = new(database, _data);
        _logReader = new(database, _log);
        var checkpoint = database.Get(RowKeys.Checkpoint);
        _checkpoint = checkpoint is null ? ReplicaCheckpoint.Empty : CheckpointCodec.Decode(checkpoint);
        _trimmed = ReadTrimPositions(database);
    }

    public ReplicaCheckpoint Checkpoint => _checkpoint;

    public long LogBytes
    {
        get
        {
            using var use = _gate.Enter();
            return Property("rocksdb.estimate-live-data-size") + Property("rocksdb.cur-size-all-mem-tables");

            long Property(string name) => long.TryParse(_database.GetProperty(name, _log), NumberStyles.None, CultureInfo.InvariantCulture, out var bytes) ? bytes : 0;
        }
    }

    public StorageRoom Room => _space.Look();

    public Published<StorageHealth> Health { get; } = new(StorageHealth.Sound);

    /// <summary>True when the last write before the start was torn, and dropped: nobody was told that it was done.</summary>
    public bool WasTorn { get; private init; }

    /// <summary>
    /// Opens the store in <paramref name="directory"/>, or makes an empty one there if there never was one. Throws <see cref="StorageDamagedException"/> when anything acknowledged is missing
    /// or cannot be read, as far as that shows without reading everything, and <see cref="StorageFailedException"/> when it cannot be opened for another reason.
    /// </summary>
    public static RocksDbStorage Open(string directory, StorageOptions options)
    {
        Database? database = null;
        Watermark? watermark = null;
        try
        {
            Directory.CreateDirectory(directory);
            var databaseOptions = Tables.ConfigureDatabase(options);
            (database, watermark, var wasTorn) = StoreOpening.Open(directory, databaseOptions, options);
            if (options.VerifyAtStart is StoreVerification.Full) FullVerification.Run(database);
            return new(database, watermark, databaseOptions, new(directory, options)) { WasTorn = wasTorn };
        }
        catch (Exception e) when (e is RocksDbException or IOException or UnauthorizedAccessException or InvalidDataException)
        {
            watermark?.Dispose();
            database?.Dispose();
            throw RocksDbFailures.Translate($"The store in {directory} cannot be opened", e);
        }
    }

    public WriteRecord? Read(Key key)
    {
        using var use = _gate.Enter();
        return Guarded(key, _reader, static (key, reader) => reader.Read(key));
    }

    /// <summary>
    /// The sync happens on the caller's thread. The caller is the replica's one writer loop, which has nothing to do until the batch is durable: all
    /// that arrives meanwhile queues up and becomes the next batch, and that is the group commit. Handing the sync to another thread would add two
    /// switches to every commit and free nobody.
    /// </summary>
    public ValueTask CommitAsync(StorageBatch batch)
    {
        using var use = _gate.Enter();
        ThrowIfFailed();
        using var writes = new WriteBatch();
        foreach (var range in batch.Dropped) Drop(writes, range);
        foreach (var key in batch.Forgotten)
        {
            var length = RowKeys.DataLength(key);
            writes.Delete(RowKeys.Data(key, new byte[length]), _data);
        }

        Span<byte> position = stackalloc byte[RowKeys.LogLength];
        var remaining = batch.Winners.Count;
        foreach (var record in batch.Log)
        {
            var row = Encode(record);
            writes.Put(RowKeys.Log(record.Dot.Origin, record.Dot.Sequence, position), row, _log);
            if (!batch.Winners.TryGetValue(record.Key, out var winner) || !ReferenceEquals(winner, record)) continue;
            PutWinner(writes, record, row);
            remaining--;
        }

        if (remaining > 0)
        {
            // Winners that are not in the log: records that came by transfer, which other nodes' logs hold.
            var logged = new HashSet<WriteRecord>(batch.Log, ReferenceEqualityComparer.Instance);
            foreach (var winner in batch.Winners.Values)
            {
                if (!logged.Contains(winner)) PutWinner(writes, winner, Encode(winner));
            }
        }

        Span<byte> arcRow = stackalloc byte[ArcRow.Length];
        foreach (var (arc, summary) in batch.Arcs) writes.Put(RowKeys.Arc(arc, position), ArcRow.Write(summary, arcRow));

        writes.Put(RowKeys.Checkpoint, CheckpointCodec.Encode(batch.Checkpoint));
        Write(writes, Synced);
        _checkpoint = batch.Checkpoint;
        return ValueTask.CompletedTask;
    }

    public LogSlice? ReadLog(Origin origin, ulong after, ulong through, int maxRecords, int maxBytes)
    {
        using var use = _gate.Enter();
        // A seek into the trimmed part would have to step over its deletions.
        if (after < _trimmed[origin]) return null;
        return Guarded(
            (origin, after, through, maxRecords, maxBytes), _logReader, static (from, reader) => reader.Read(from.origin, from.after, from.through, from.maxRecords, from.maxBytes));
    }

    public IReadOnlyDictionary<int, ArcSummary>? ReadArcs()
    {
        using var use = _gate.Enter();
        return Guarded(0, _database, static (_, database) => ReadArcs(database));
    }

    public ValueTask TrimLogAsync(VersionVector upTo)
    {
        using var use = _gate.Enter();
        ThrowIfFailed();
        var ahead = upTo.Without(_trimmed);
        if (ahead.IsEmpty) return ValueTask.CompletedTask;
        using var writes = new WriteBatch();
        Span<byte> name = stackalloc byte[RowKeys.TrimLength];
        Span<byte> position = stackalloc byte[sizeof(ulong)];
        foreach (var dot in ahead)
        {
            // From the last trim on, not from zero: deletions then lie side by side instead of one upon the other.
            var first = new byte[RowKeys.LogLength];
            var end = new byte[RowKeys.LogLength];
            RowKeys.Log(dot.Origin, _trimmed[dot.Origin] + 1, first);
            RowKeys.Log(dot.Origin, dot.Sequence, end);
            // The end of a range is exclusive; the last row goes by itself, because the greatest sequence has no successor.
            writes.DeleteRange(first, RowKeys.LogLength, end, RowKeys.LogLength, _log);
            writes.Delete(end, _log);
            BinaryPrimitives.WriteUInt64BigEndian(position, dot.Sequence);
            writes.Put(RowKeys.Trim(dot.Origin, name), position);
        }

        // Readers stay away from the part before it goes.
        _trimmed = _trimmed.Join(ahead);
        Write(writes, Unsynced);
        return ValueTask.CompletedTask;
    }

    public IEnumerable<WriteRecord> Scan(RingRange range)
    {
        // The check is for the caller's sake; the enumeration, which may come much later, enters for itself.
        _gate.Enter().Dispose();
        return RangeScanner.Scan(_gate, _database, _data, range, Fail);
    }

    public IEnumerable<WriteRecord> ScanAfter(Key key)
    {
        _gate.Enter().Dispose();
        return RangeScanner.ScanAfter(_gate, _database, _data, key, Fail);
    }

    public IStorageSnapshot TakeSnapshot()
    {
        var use = _gate.Enter();
        try
        {
            return Guarded((_data, Use: use), this, static (of, storage) => new StoreSnapshot(storage._database, of._data, storage._gate, of.Use, storage.Fail));
        }
        catch
        {
            use.Dispose();
            throw;
        }
    }

    public byte[]? ReadMeta(string name)
    {
        using var use = _gate.Enter();
        return Guarded(name, _database, static (name, database) => database.Get(RowKeys.Meta(name)));
    }

    public ValueTask WriteMetaAsync(string name, ReadOnlyMemory<byte> value)
    {
        using var use = _gate.Enter();
        ThrowIfFailed();
        using var writes = new WriteBatch();
        writes.Put(RowKeys.Meta(name), value.Span);
        Write(writes, Synced);
        return ValueTask.CompletedTask;
    }

    /// <summary>RocksDB's counters as text, when <see cref="StorageOptions.CollectStatistics"/> is on; otherwise empty.</summary>
    public string Statistics() => _options.GetStatisticsString() ?? "";

    /// <summary>Waits for the calls and enumerations under way; those that come later get an <see cref="ObjectDisposedException"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!await _gate.CloseAsync()) return;
        _database.Dispose();
        _watermark.Dispose();
    }

    private static VersionVector ReadTrimPositions(Database database)
    {
        var trimmed = new List<Dot>();
        using var rows = database.NewIterator();
        for (rows.Seek([RowKeys.TrimPrefix]); rows.Valid() && rows.GetKeySpan() is [RowKeys.TrimPrefix, .. var origin]; rows.Next())
            trimmed.Add(new(RowKeys.ReadOrigin(origin), BinaryPrimitives.ReadUInt64BigEndian(rows.GetValueSpan())));
        Native.Instance.rocksdb_iter_get_error(rows.Handle);
        return VersionVector.Of(trimmed);
    }

    private static Dictionary<int, ArcSummary>? ReadArcs(Database database)
    {
        var arcs = new Dictionary<int, ArcSummary>();
        using var rows = database.NewIterator();
        for (rows.Seek([RowKeys.ArcPrefix]); rows.Valid() && rows.GetKeySpan() is [RowKeys.ArcPrefix, .. var arc]; rows.Next())
        {
            if (ArcRow.Read(rows.GetValueSpan()) is not { } summary) return null;
            if (summary != default) arcs.Add(BinaryPrimitives.ReadUInt16BigEndian(arc), summary);
        }

        Native.Instance.rocksdb_iter_get_error(rows.Handle);
        return arcs;
    }

    private TResult Guarded<TArgument, TReader, TResult>(TArgument argument, TReader reader, Func<TArgument, TReader, TResult> read)
    {
        try
        {
            return read(argument, reader);
        }
        catch (Exception e) when (e is RocksDbException or InvalidDataException)
        {
            throw Fail("A read failed", e);
        }
    }

    private ReadOnlySpan<byte> Encode(WriteRecord record)
    {
        _scratch.ResetWrittenCount();
        return RecordCodec.Encode(record, _scratch.GetSpan(RecordCodec.Measure(record)));
    }

    private void Drop(WriteBatch writes, RingRange range)
    {
        var first = RowKeys.Position(range.First);
        // The end of a range of rows is exclusive, and the greatest position has no successor: nine bytes of 0xff are above all its keys, which are text.
        byte[] end = range.Last < ulong.MaxValue ? RowKeys.Position(range.Last + 1) : [.. RowKeys.Position(range.Last), 0xff];
        writes.DeleteRange(first, (ulong)first.Length, end, (ulong)end.Length, _data);
    }

    private void PutWinner(WriteBatch writes, WriteRecord record, ReadOnlySpan<byte> row)
    {
        var length = RowKeys.DataLength(record.Key);
        writes.Put(RowKeys.Data(record.Key, length <= 256 ? stackalloc byte[256] : new byte[length]), row, _data);
    }

    private StorageFailedException Fail(string what, Exception cause)
    {
        var failure = RocksDbFailures.Translate(what, cause);
        lock (_failing)
        {
            // The first one, which the others may follow from.
            if (Health.Current.Failure is null) Health.Publish(new(failure));
        }

        return failure;
    }

    /// <summary>After one failure nothing more is written: what the failed batch left behind is known only when the store is opened again.</summary>
    private void ThrowIfFailed()
    {
        if (_failure is not null) throw new StorageFailedException(_failure.Message, _failure);
    }

    private void Write(WriteBatch writes, WriteOptions options)
    {
        // One at a time, which RocksDB would see to anyway, so that a sync covers every write that has a number by then, and the mark claims no more than that.
        lock (_writing)
        {
            try
            {
                _database.Write(writes, options);
                if (ReferenceEquals(options, Synced)) _watermark.Raise(StoreOpening.LastSequence(_database));
            }
            catch (Exception e) when (e is RocksDbException or IOException)
            {
                _failure = Fail("A write failed", e);
                throw _failure;
            }
        }
    }
}
