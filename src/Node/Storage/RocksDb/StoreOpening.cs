using RocksDbSharp;
using Database = RocksDbSharp.RocksDb;

namespace Kv.Node.Storage.RocksDb;

/// <summary>
/// Opens the database so that a write-ahead log whose last write was torn by a crash is accepted, and one that lacks anything acknowledged is refused, with its files left as they are.
/// RocksDB's own recovery modes cannot tell these two apart.
/// </summary>
internal static class StoreOpening
{
    private const string Current = "CURRENT";

    /// <summary>
    /// 1. Looks for what must be there. 2. Opens a store whose log is whole to its last byte. 3. If it is not, reads it as far as it goes without changing anything, and opens it that far if
    /// all that was synced is in it. 4. Compares with the mark in any case: a log may also end too early between two writes. Throws <see cref="StorageDamagedException"/>, and
    /// <see cref="RocksDbException"/> when it cannot be opened for another reason.
    /// </summary>
    public static (Database Database, Watermark Watermark, bool WasTorn) Open(string directory, DbOptions databaseOptions, StorageOptions options)
    {
        // 1.
        var synced = Watermark.Read(directory);
        var isNew = IsNew(directory, isMarked: synced is not null);
        databaseOptions.SetCreateIfMissing(isNew).SetCreateMissingColumnFamilies(isNew);

        // 2.
        Database database;
        var wasTorn = false;
        try
        {
            database = Database.Open(databaseOptions.SetWalRecoveryMode(Recovery.AbsoluteConsistency), directory, Tables.Configure(options));
        }
        catch (RocksDbException damaged) when (RocksDbFailures.IsDamage(damaged))
        {
            // 3.
            if (ReadableThrough(directory, databaseOptions, options) is not { } readable) throw RocksDbFailures.Translate($"The store in {directory} is damaged", damaged);
            if (readable < synced) throw Missing(directory, readable, synced.Value, damaged);
            wasTorn = true;
            database = Database.Open(databaseOptions.SetWalRecoveryMode(Recovery.PointInTime), directory, Tables.Configure(options));
        }

        try
        {
            // 4.
            var sequence = LastSequence(database);
            if (sequence < synced) throw Missing(directory, sequence, synced.Value, null);
            if (synced is null && database.Get(RowKeys.IsMarked) is not null) throw new StorageDamagedException($"The store in {directory} is damaged: its file {Watermark.FileName} is missing.");
            var watermark = Watermark.Open(directory, sequence);
            if (synced is null) database.Put(RowKeys.IsMarked, [], writeOptions: new WriteOptions().SetSync(true));
            return (database, watermark, wasTorn);
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    /// <summary>The sequence number of the last write.</summary>
    public static ulong LastSequence(Database database) => Native.Instance.rocksdb_get_latest_sequence_number(database.Handle);

    // To make an empty store where there was one would be to answer 404 for everything that was in it. Before there is a mark there is nothing acknowledged.
    private static bool IsNew(string directory, bool isMarked)
    {
        if (File.Exists(Path.Combine(directory, Current))) return false;
        if (!isMarked && Directory.GetFiles(directory, "*.sst").Length == 0) return true;
        throw new StorageDamagedException($"The store in {directory} is damaged: its file {Current} is missing.");
    }

    // The last sequence number that can be reached without gap; null when it is not the log that is damaged.
    private static ulong? ReadableThrough(string directory, DbOptions databaseOptions, StorageOptions options)
    {
        try
        {
            using var database = Database.OpenReadOnly(databaseOptions.SetWalRecoveryMode(Recovery.PointInTime), directory, Tables.Configure(options), false);
            return LastSequence(database);
        }
        catch (RocksDbException)
        {
            return null;
        }
    }

    private static StorageDamagedException Missing(string directory, ulong found, ulong synced, Exception? damage) => new(
        $"The store in {directory} is damaged: its write-ahead log can be read through {found}, and was synced through {synced}{(damage is null ? "" : $" ({damage.Message.ReplaceLineEndings(" ")})")}.",
        damage);
}
