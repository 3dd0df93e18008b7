using Kv.Common.Identity;
using Kv.Common.Replication;

namespace Kv.Node.Storage;

/// <summary>One atomic step of a replica: what is appended to the log, which records become the winners of their keys, and the state after it.</summary>
/// <param name="Log">Every applied record, winner or not, in the order applied.</param>
/// <param name="Winners">The last winner of each key that the step changed.</param>
/// <param name="Checkpoint">The state after the step.</param>
internal sealed record StorageBatch(IReadOnlyCollection<WriteRecord> Log, IReadOnlyDictionary<Key, WriteRecord> Winners, ReplicaCheckpoint Checkpoint);
