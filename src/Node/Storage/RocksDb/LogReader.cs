using System.Buffers.Binary;
using Kv.Common.Identity;
using Kv.Common.Replication;
using RocksDbSharp;
using Database = RocksDbSharp.RocksDb;

namespace Kv.Node.Storage.RocksDb;

/// <summary>Reads one origin's log from a position on.</summary>
internal sealed class LogReader(Database database, ColumnFamilyHandle table)
{
    private readonly ReadOptions _options = new();

    public LogSlice Read(Origin origin, ulong after, ulong through, int maxRecords, int maxBytes)
    {
        if (maxRecords == 0 || after >= through) return new([], after);
        var records = new List<WriteRecord>(Math.Min(maxRecords, 256));
        var bytes = 0L;
        Span<byte> first = stackalloc byte[RowKeys.LogLength];
        using var rows = database.NewIterator(table, _options);
        for (rows.Seek(RowKeys.Log(origin, after + 1, first)); rows.Valid(); rows.Next())
        {
            var name = rows.GetKeySpan();
            if (!name.StartsWith(first[..RowKeys.OriginLength]) || BinaryPrimitives.ReadUInt64BigEndian(name[RowKeys.OriginLength..]) > through) break;
            var record = RecordCodec.Decode(rows.GetValueSpan().ToArray(), new RowName(Tables.Log, name));
            bytes += record.Value.Length + record.Token.Length;
            if (bytes > maxBytes && records.Count > 0) return new(records, records[^1].Dot.Sequence);
            records.Add(record);
            if (records.Count == maxRecords) return new(records, record.Dot.Sequence);
        }

        // An iterator that meets an I/O error merely ends.
        Native.Instance.rocksdb_iter_get_error(rows.Handle);
        return new(records, through);
    }
}
