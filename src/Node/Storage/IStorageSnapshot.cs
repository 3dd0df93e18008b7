using Kv.Common.Replication;
using Kv.Common.Topology;

namespace Kv.Node.Storage;

/// <summary>
/// What an engine held at one moment, whatever is committed afterwards, until it is disposed. Until then what is overwritten takes room beside what overwrites it. For one user
/// at a time; disposed before the engine is, which waits for it.
/// </summary>
internal interface IStorageSnapshot : IDisposable
{
    /// <summary>The state of the last batch that was committed by then: the records are exactly those of that state.</summary>
    ReplicaCheckpoint Checkpoint { get; }

    /// <summary>As <see cref="IStorageEngine.Scan"/>, as of that moment.</summary>
    IEnumerable<WriteRecord> Scan(RingRange range);
}
