using System.Runtime.CompilerServices;
using Kv.Common.Identity;
using Kv.Common.Replication;
using RocksDbSharp;
using Database = RocksDbSharp.RocksDb;

namespace Kv.Node.Storage.RocksDb;

/// <summary>
/// Reads one row by its key, which is most of what a GET costs: one call into RocksDB, which copies the row to the stack, and one array of its exact
/// size for the record to be made of.
/// </summary>
internal sealed class PointReader(Database database, ColumnFamilyHandle table)
{
    private const int UsualRowLength = 1024;
    private const int UsualKeyLength = 256;

    private readonly ReadOptions _options = new();

    [SkipLocalsInit]
    public WriteRecord? Read(Key key)
    {
        var length = RowKeys.DataLength(key);
        var name = RowKeys.Data(key, length <= UsualKeyLength ? stackalloc byte[UsualKeyLength] : new byte[length]);
        Span<byte> usual = stackalloc byte[UsualRowLength];
        var rowLength = Get(name, usual);
        if (rowLength < 0) return null;
        byte[] row;
        if (rowLength <= UsualRowLength)
        {
            row = usual[..rowLength].ToArray();
        }
        else
        {
            row = new byte[rowLength];
            // Between two looks the row may have been replaced by a longer one, or dropped with its range.
            while ((rowLength = Get(name, row)) > row.Length) row = new byte[rowLength];
            if (rowLength < 0) return null;
            if (rowLength < row.Length) row = row[..rowLength];
        }

        return RecordCodec.Decode(row, new RowName(Tables.Data, name), key);
    }

    /// <summary>The length of the row, which is in <paramref name="buffer"/> if it fits; negative when there is none.</summary>
    private unsafe int Get(ReadOnlySpan<byte> name, Span<byte> buffer)
    {
        fixed (byte* namePointer = name, bufferPointer = buffer)
        {
            Native.Instance.rocksdb_get_into_buffer_cf(
                database.Handle, _options.Handle, table.Handle, namePointer, (nuint)name.Length, (nint)bufferPointer, (nuint)buffer.Length, out var length, out var found);
            return found == 0 ? -1 : checked((int)length);
        }
    }
}
