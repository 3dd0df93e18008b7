using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Topology;
using RocksDbSharp;
using Database = RocksDbSharp.RocksDb;

namespace Kv.Node.Storage.RocksDb;

/// <summary>
/// Reads a ring range in order. An iterator sees the store as it was when it was made, so the snapshot is the iterator's own; it lasts until the
/// enumeration ends, and until then what it sees cannot be reclaimed. With a snapshot it sees what that one does.
/// </summary>
internal static class RangeScanner
{
    public static IEnumerable<WriteRecord> Scan(
        UseGate gate, Database database, ColumnFamilyHandle table, RingRange range, Func<string, Exception, StorageFailedException> fail, Snapshot? snapshot = null)
    {
        using var use = gate.Enter();
        // A scan reads each block once: it must not push out of the cache what point reads use.
        var options = new ReadOptions().SetFillCache(false).SetAutoReadaheadSize(true);
        if (snapshot is not null) options.SetSnapshot(snapshot);
        if (range.Last < ulong.MaxValue) options.SetIterateUpperBound(RowKeys.Position(range.Last + 1));
        using var rows = database.NewIterator(table, options);
        for (rows.Seek(RowKeys.Position(range.First)); rows.Valid(); rows.Next()) yield return Current(rows, fail);
        ThrowIfFailed(rows, fail);
    }

    /// <summary>The same from the row after a key's on, whether or not that one is there, to the end of the ring.</summary>
    public static IEnumerable<WriteRecord> ScanAfter(
        UseGate gate, Database database, ColumnFamilyHandle table, Key key, Func<string, Exception, StorageFailedException> fail)
    {
        using var use = gate.Enter();
        var options = new ReadOptions().SetFillCache(false).SetAutoReadaheadSize(true);
        using var rows = database.NewIterator(table, options);
        var row = new byte[RowKeys.DataLength(key)];
        RowKeys.Data(key, row);
        rows.Seek(row);
        if (rows.Valid() && rows.GetKeySpan().SequenceEqual(row)) rows.Next();
        for (; rows.Valid(); rows.Next()) yield return Current(rows, fail);
        ThrowIfFailed(rows, fail);
    }

    private static WriteRecord Current(Iterator rows, Func<string, Exception, StorageFailedException> fail)
    {
        try
        {
            return RecordCodec.Decode(rows.GetValueSpan().ToArray(), new RowName(Tables.Data, rows.GetKeySpan()));
        }
        catch (InvalidDataException e)
        {
            throw fail("A scan failed", e);
        }
    }

    private static void ThrowIfFailed(Iterator rows, Func<string, Exception, StorageFailedException> fail)
    {
        try
        {
            Native.Instance.rocksdb_iter_get_error(rows.Handle);
        }
        catch (RocksDbException e)
        {
            throw fail("A scan failed", e);
        }
    }
}
