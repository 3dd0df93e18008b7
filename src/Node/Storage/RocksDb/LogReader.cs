using Kv.Common.Identity;
using Kv.Common.Replication;
using RocksDbSharp;
using Database = RocksDbSharp.RocksDb;

namespace Kv.Node.Storage.RocksDb;

/// <summary>Reads one incarnation's log from a position on, as far as it is contiguous.</summary>
internal sealed class LogReader(Database database, ColumnFamilyHandle table)
{
    private readonly ReadOptions _options = new();

    public IReadOnlyList<WriteRecord> Read(Incarnation origin, ulong after, int maxRecords, int maxBytes)
    {
        if (maxRecords == 0) return [];
        var records = new List<WriteRecord>(Math.Min(maxRecords, 256));
        var bytes = 0L;
        Span<byte> expected = stackalloc byte[RowKeys.LogLength];
        using var rows = database.NewIterator(table, _options);
        rows.Seek(RowKeys.Log(origin, after + 1, expected));
        while (rows.Valid() && rows.GetKeySpan().SequenceEqual(expected))
        {
            var record = RecordCodec.Decode(rows.GetValueSpan().ToArray(), new RowName(Tables.Log, expected));
            bytes += record.Value.Length + record.Token.Length;
            if (bytes > maxBytes && records.Count > 0) return records;
            records.Add(record);
            if (records.Count == maxRecords) return records;
            RowKeys.Log(origin, after + (ulong)records.Count + 1, expected);
            rows.Next();
        }

        // An iterator that meets an I/O error merely ends.
        Native.Instance.rocksdb_iter_get_error(rows.Handle);
        return records;
    }
}
