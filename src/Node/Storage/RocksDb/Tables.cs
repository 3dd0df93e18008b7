using RocksDbSharp;

namespace Kv.Node.Storage.RocksDb;

/// <summary>The column families. Their names are part of the data format.</summary>
internal static class Tables
{
    /// <summary>The checkpoint, trim positions and named values, in RocksDB's own default family.</summary>
    public const string Meta = "default";

    /// <summary>The winner of each key.</summary>
    public const string Data = "data";

    /// <summary>Every record applied, until it is trimmed.</summary>
    public const string Log = "log";

    private const int BinaryAndHash = 1;
    private const uint TrimsPerFlush = 512;

    // From this one on footers have checksums too, and a block tells when it is read in another place than it was written to.
    private const int TableFormat = 6;

    public static ColumnFamilies Configure(StorageOptions options) =>
        new() { { Meta, MetaOptions() }, { Data, DataOptions(options) }, { Log, LogOptions(options) } };

    /// <summary>What belongs to the database as a whole, but for how it is opened: <see cref="StoreOpening"/> decides that.</summary>
    public static DbOptions ConfigureDatabase(StorageOptions options)
    {
        var database = new DbOptions()
            .SetMaxTotalWalSize((ulong)options.WriteAheadLogBytes)
            .SetDbWriteBufferSize((ulong)options.WriteBufferBytes)
            // There is one writer, so the machinery for several only costs.
            .SetAllowConcurrentMemtableWrite(false)
            .SetEnableWriteThreadAdaptiveYield(false)
            // Files of a compaction reach the disk as they are written, so that no commit's sync waits behind megabytes of them.
            .SetBytesPerSync(1 << 20)
            .SetInfoLogLevel(InfoLogLevel.Warn)
            .SetKeepLogFileNum(2)
            .SetMaxLogFileSize(1 << 20)
            .SetStatsDumpPeriodSec(0)
            .SkipStatsUpdateOnOpen();
        // A log file that goes missing or loses its end after a newer one was begun is noticed.
        Native.Instance.rocksdb_options_set_track_and_verify_wals(database.Handle, 1);
        Native.Instance.rocksdb_options_set_max_background_jobs(database.Handle, options.BackgroundJobs);
        Native.Instance.rocksdb_options_set_stats_persist_period_sec(database.Handle, 0);
        if (options.CollectStatistics) database.EnableStatistics();
        return database;
    }

    private static ColumnFamilyOptions MetaOptions() =>
        new ColumnFamilyOptions().SetWriteBufferSize(4 << 20).SetBlockBasedTableFactory(new BlockBasedTableOptions().SetFormatVersion(TableFormat));

    private static ColumnFamilyOptions DataOptions(StorageOptions options)
    {
        var blocks = new BlockBasedTableOptions()
            .SetBlockSize((ulong)options.BlockBytes)
            .SetBlockCache(Cache.CreateLru((ulong)options.BlockCacheBytes))
            .SetFormatVersion(TableFormat)
            .SetWholeKeyFiltering(true);
        if (options.BloomBitsPerKey > 0) blocks.SetFilterPolicy(BloomFilterPolicy.Create(options.BloomBitsPerKey, false));
        // Point reads find their row in a block by hash instead of by binary search; scans are as before.
        Native.Instance.rocksdb_block_based_options_set_data_block_index_type(blocks.Handle, BinaryAndHash);
        Native.Instance.rocksdb_block_based_options_set_data_block_hash_ratio(blocks.Handle, 0.75);
        var data = new ColumnFamilyOptions()
            .SetWriteBufferSize((ulong)options.WriteBufferBytes / 2)
            .SetMaxWriteBufferNumber(2)
            .SetCompression(Compression.Lz4)
            .SetMemtablePrefixBloomSizeRatio(0.02)
            .SetBlockBasedTableFactory(blocks);
        Native.Instance.rocksdb_options_set_memtable_whole_key_filtering(data.Handle, 1);
        return data;
    }

    private static ColumnFamilyOptions LogOptions(StorageOptions options)
    {
        // Read front to back and mostly from memory; what was trimmed by then is not written out at all. So large blocks, no filter, and a small cache
        // of its own, lest a peer that catches up pushes the hot keys out of the other.
        var blocks = new BlockBasedTableOptions()
            .SetBlockSize(32 << 10)
            .SetBlockCache(Cache.CreateLru(4 << 20))
            .SetFormatVersion(TableFormat);
        var log = new ColumnFamilyOptions()
            .SetWriteBufferSize((ulong)options.WriteBufferBytes / 2)
            .SetMaxWriteBufferNumber(2)
            .SetCompression(Compression.Lz4)
            .SetBlockBasedTableFactory(blocks);
        // Every iterator over memory has to sort the range deletions there: keep them few.
        Native.Instance.rocksdb_options_set_memtable_max_range_deletions(log.Handle, TrimsPerFlush);
        return log;
    }
}
