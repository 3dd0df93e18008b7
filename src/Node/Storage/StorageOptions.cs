namespace Kv.Node.Storage;

/// <summary>
/// How much memory and disk the embedded engine takes. The defaults keep a node with a million keys of 200 bytes well under half a gigabyte; on a
/// machine of its own, a larger block cache is the first thing to raise.
/// </summary>
internal sealed class StorageOptions
{
    /// <summary>Bytes of uncompressed data blocks kept in memory for reads. 64 MiB.</summary>
    public long BlockCacheBytes { get; set; } = 64L << 20;

    /// <summary>
    /// Bytes of recent writes kept in memory, data and log together, before they are written to sorted files. 64 MiB. Smaller means more compaction,
    /// larger means more memory; while files are being written up to half as much again is held.
    /// </summary>
    public long WriteBufferBytes { get; set; } = 64L << 20;

    /// <summary>
    /// Bytes of write-ahead log after which memory is written to sorted files whatever its size. 96 MiB. This is what has to be read again when a node
    /// starts, at some 100 MB a second or more.
    /// </summary>
    public long WriteAheadLogBytes { get; set; } = 96L << 20;

    /// <summary>
    /// Bits of Bloom filter per key; 0 for none. 10, which sends one in a hundred reads of an absent key to a data block. Filters and indexes are held
    /// in memory beside the block cache: about 1.5 bytes and 2 bytes a key.
    /// </summary>
    public int BloomBitsPerKey { get; set; } = 10;

    /// <summary>Bytes of a data block, the unit of reading and caching. 4 KiB.</summary>
    public int BlockBytes { get; set; } = 4 << 10;

    /// <summary>Flushes and compactions at once. 2: one of each.</summary>
    public int BackgroundJobs { get; set; } = 2;

    /// <summary>
    /// Free bytes of the disk below which clients' writes are refused; 0 to refuse none. 512 MiB: what a flush and a compaction may take, and what peers
    /// send meanwhile.
    /// </summary>
    public long MinFreeBytes { get; set; } = 512L << 20;

    /// <summary>Free bytes below which nothing is taken in from peers either. 256 MiB: several times what is in memory and not in sorted files yet.</summary>
    public long FloorFreeBytes { get; set; } = 256L << 20;

    /// <summary>How much is read and checked before the node starts. Quick, which takes no longer for more data; whatever is read later is checked then.</summary>
    public StoreVerification VerifyAtStart { get; set; }

    /// <summary>Counts what the engine does (see <c>RocksDbStorage.Statistics</c>). Off: it costs some per cent of every operation.</summary>
    public bool CollectStatistics { get; set; }

    /// <summary>What is wrong with these options, one sentence each; empty when nothing is.</summary>
    public IEnumerable<string> Validate()
    {
        if (BlockCacheBytes < 1 << 20) yield return $"{nameof(BlockCacheBytes)} must be at least 1 MiB.";
        if (WriteBufferBytes < 1 << 20) yield return $"{nameof(WriteBufferBytes)} must be at least 1 MiB.";
        if (WriteAheadLogBytes < 1 << 20) yield return $"{nameof(WriteAheadLogBytes)} must be at least 1 MiB.";
        if (BloomBitsPerKey is < 0 or > 32) yield return $"{nameof(BloomBitsPerKey)} must be 0 to 32.";
        if (BlockBytes is < 1 << 10 or > 1 << 20) yield return $"{nameof(BlockBytes)} must be 1 KiB to 1 MiB.";
        if (MinFreeBytes < 0) yield return $"{nameof(MinFreeBytes)} must not be negative.";
        if (FloorFreeBytes < 0 || (MinFreeBytes > 0 && FloorFreeBytes > MinFreeBytes)) yield return $"{nameof(FloorFreeBytes)} must not be negative, and at most {nameof(MinFreeBytes)}.";
        if (!Enum.IsDefined(VerifyAtStart)) yield return $"{nameof(VerifyAtStart)} must be Quick or Full.";
        if (BackgroundJobs is < 2 or > 64) yield return $"{nameof(BackgroundJobs)} must be 2 to 64.";
    }
}
