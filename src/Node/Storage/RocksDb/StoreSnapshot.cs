using Kv.Common.Replication;
using Kv.Common.Topology;
using RocksDbSharp;
using Database = RocksDbSharp.RocksDb;

namespace Kv.Node.Storage.RocksDb;

/// <summary>
/// A RocksDB snapshot: compactions keep the versions that it sees. Files are not held, as an open iterator would, so each scan has an iterator of its own. Keeps the database open.
/// </summary>
internal sealed class StoreSnapshot : IStorageSnapshot
{
    private readonly Database _database;
    private readonly ColumnFamilyHandle _data;
    private readonly UseGate _gate;
    private readonly UseGate.Use _use;
    private readonly Func<string, Exception, StorageFailedException> _fail;
    private readonly Snapshot _snapshot;
    private int _isDisposed;

    /// <summary>Takes over <paramref name="use"/> when it returns.</summary>
    public StoreSnapshot(Database database, ColumnFamilyHandle data, UseGate gate, UseGate.Use use, Func<string, Exception, StorageFailedException> fail)
    {
        (_database, _data, _gate, _use, _fail) = (database, data, gate, use, fail);
        _snapshot = database.CreateSnapshot();
        try
        {
            var checkpoint = database.Get(RowKeys.Checkpoint, cf: null, new ReadOptions().SetSnapshot(_snapshot));
            Checkpoint = checkpoint is null ? ReplicaCheckpoint.Empty : CheckpointCodec.Decode(checkpoint);
        }
        catch
        {
            _snapshot.Dispose();
            throw;
        }
    }

    public ReplicaCheckpoint Checkpoint { get; }

    public IEnumerable<WriteRecord> Scan(RingRange range) => RangeScanner.Scan(_gate, _database, _data, range, _fail, _snapshot);

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0) return;
        _snapshot.Dispose();
        _use.Dispose();
    }
}
