using RocksDbSharp;
using Database = RocksDbSharp.RocksDb;

namespace Kv.Node.Storage.RocksDb;

/// <summary>Reads everything once: the engine's checksum of every block, and this program's own of every record.</summary>
internal static class FullVerification
{
    /// <summary>Throws <see cref="RocksDbException"/> or <see cref="InvalidDataException"/> at the first thing that is damaged.</summary>
    public static void Run(Database database)
    {
        Native.Instance.rocksdb_verify_checksum(database.Handle);
        foreach (var table in new[] { Tables.Data, Tables.Log })
        {
            using var rows = database.NewIterator(database.GetColumnFamily(table), new ReadOptions().SetFillCache(false).SetAutoReadaheadSize(true));
            for (rows.SeekToFirst(); rows.Valid(); rows.Next()) RecordCodec.Decode(rows.GetValueSpan().ToArray(), new RowName(table, rows.GetKeySpan()));
            Native.Instance.rocksdb_iter_get_error(rows.Handle);
        }
    }
}
