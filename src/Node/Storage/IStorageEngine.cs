using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Topology;
using Kv.Node.Signals;

namespace Kv.Node.Storage;

/// <summary>
/// Keeps one replica's records, log and counters. Used by one writer (<see cref="CommitAsync"/> and <see cref="TrimLogAsync"/>
/// never overlap) and any number of concurrent readers; <see cref="WriteMetaAsync"/> may overlap with anything.
/// </summary>
internal interface IStorageEngine : IAsyncDisposable
{
    /// <summary>The state of the last committed batch; <see cref="ReplicaCheckpoint.Empty"/> before the first.</summary>
    ReplicaCheckpoint Checkpoint { get; }

    /// <summary>
    /// How much room there is for further writes, now. The caller keeps to it; a commit that meets the end of the disk all the same fails like any other.
    /// </summary>
    StorageRoom Room { get; }

    /// <summary>About how many bytes the log takes; what was trimmed a moment ago may still be counted.</summary>
    long LogBytes { get; }

    /// <summary>
    /// Tells of the first failure of any call or enumeration, which is thrown there as well: whoever runs the node must stop it then, for a <see cref="StorageFailedException"/> of a
    /// read says no less about the disk than one of a write.
    /// </summary>
    Published<StorageHealth> Health { get; }

    /// <summary>The committed winner for a key (a tombstone counts), or null when the key has none.</summary>
    WriteRecord? Read(Key key);

    /// <summary>
    /// Applies a batch: all of it or none of it survives a crash, and when the returned task completes it survives any crash of the process or the
    /// machine. Readers see it at some moment before that, but never before it is durable: what was read cannot be undone, and no peer is sent a dot
    /// that a crash could give to another write. Any failure (disk full, I/O error) throws <see cref="StorageFailedException"/>; whether the batch was
    /// applied is then unknown until the engine is opened again. The batch's vector covers every record of its log.
    /// </summary>
    ValueTask CommitAsync(StorageBatch batch);

    /// <summary>
    /// The log of one origin after sequence <paramref name="after"/> and through <paramref name="through"/>: at most <paramref name="maxRecords"/> records, ending before
    /// the one with which their values and tokens would exceed <paramref name="maxBytes"/> (but never before the first). Null when some of that
    /// part was trimmed. The caller knows through where this replica holds what the origin wrote.
    /// </summary>
    LogSlice? ReadLog(Origin origin, ulong after, ulong through, int maxRecords, int maxBytes);

    /// <summary>
    /// What each arc that holds anything comes to, as of the last committed batch, by the batches' own word; null when it was last written by a version that counted
    /// only. Not for the hot path.
    /// </summary>
    IReadOnlyDictionary<int, ArcSummary>? ReadArcs();

    /// <summary>
    /// Forgets log entries that <paramref name="upTo"/> covers, or says that they never were here. The records themselves stay. Need not be durable when it returns, but is
    /// at the latest when a later <see cref="CommitAsync"/> is.
    /// </summary>
    ValueTask TrimLogAsync(VersionVector upTo);

    /// <summary>
    /// All records whose key lies in <paramref name="range"/>, tombstones included, in ring order, as of the moment when the enumeration begins. What an
    /// open enumeration sees cannot be reclaimed, so it is not kept open for long.
    /// </summary>
    IEnumerable<WriteRecord> Scan(RingRange range);

    /// <summary>The same for all records after <paramref name="key"/>, which need not be there, to the end of the ring.</summary>
    IEnumerable<WriteRecord> ScanAfter(Key key);

    /// <summary>Keeps what is committed by now in reach, for reading that takes longer than a <see cref="Scan"/> may. Does not wait for the writer, nor does the writer for it.</summary>
    IStorageSnapshot TakeSnapshot();

    /// <summary>A small named value written by <see cref="WriteMetaAsync"/>, or null.</summary>
    byte[]? ReadMeta(string name);

    /// <summary>Stores a small named value; durable when the task completes.</summary>
    ValueTask WriteMetaAsync(string name, ReadOnlyMemory<byte> value);
}
