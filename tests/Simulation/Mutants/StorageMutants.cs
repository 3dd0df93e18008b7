using System.Runtime.CompilerServices;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Node.Replica;
using Kv.Node.Requests;
using Kv.Node.Storage;
using Kv.Node.Storage.InMemory;
using Kv.Simulation.Faults;
using Kv.Simulation.Nodes;
using Microsoft.Extensions.DependencyInjection;

namespace Kv.Simulation.Mutants;

/// <summary>Mutants whose fault lies below the replica: what is stored, when it is durable, and what is read back.</summary>
internal static class StorageMutants
{
    /// <summary>The writer is told before anything is synced; a crash takes back the last moments.</summary>
    internal sealed class AcknowledgeBeforeSync : Mutant
    {
        private static readonly ConditionalWeakTable<SimDisk, List<(long At, StorageBatch Batch)>> Histories = [];

        public override IStorageEngine Storage(IStorageEngine real, SimNode node) => new Recording(real, Histories.GetOrCreateValue(node.Disk), () => node.Cluster.Scheduler.Now);

        public override void Crashed(SimNode node)
        {
            var history = Histories.GetOrCreateValue(node.Disk);
            history.RemoveAll(entry => entry.At > node.Cluster.Scheduler.Now - TimeSpan.FromMilliseconds(30).Ticks);
            node.Disk.Medium = Replay(history.Select(entry => entry.Batch));
        }

        private sealed class Recording(IStorageEngine inner, List<(long, StorageBatch)> history, Func<long> now) : StorageWrapper(inner)
        {
            public override async ValueTask CommitAsync(StorageBatch batch)
            {
                await base.CommitAsync(batch);
                history.Add((now(), batch));
            }
        }
    }

    /// <summary>A failed write is taken for one that succeeded.</summary>
    internal sealed class IgnoreDiskErrors : Mutant
    {
        public override IStorageEngine Storage(IStorageEngine real, SimNode node) => new Ignoring(real);

        private sealed class Ignoring(IStorageEngine inner) : StorageWrapper(inner)
        {
            private ReplicaCheckpoint? _pretended;

            public override ReplicaCheckpoint Checkpoint => _pretended ?? base.Checkpoint;

            public override async ValueTask CommitAsync(StorageBatch batch)
            {
                try
                {
                    await base.CommitAsync(batch);
                }
                catch (StorageFailedException)
                {
                    _pretended = batch.Checkpoint;
                }
            }
        }
    }

    /// <summary>A write is refused for want of room when it has been made.</summary>
    internal sealed class RefuseAfterWriting : Mutant
    {
        public override IReadOnlySet<FaultKind> Faults { get; } = new HashSet<FaultKind> { FaultKind.FullDisk };

        public override IStorageEngine Storage(IStorageEngine real, SimNode node) => new Taking(real);

        public override Outcome Leave(Command command, Outcome outcome, SimNode node) =>
            outcome is Outcome.Stored stored && node.Disk.Room is not StorageRoom.Ample ? new Outcome.InsufficientStorage(stored.Shard) : outcome;

        private sealed class Taking(IStorageEngine inner) : StorageWrapper(inner)
        {
            public override StorageRoom Room => StorageRoom.Ample;
        }
    }

    /// <summary>After a crash the vector is there, but the last record that it covers is not.</summary>
    internal sealed class TornBatch : Mutant
    {
        private static readonly ConditionalWeakTable<SimDisk, List<StorageBatch>> Histories = [];

        public override IStorageEngine Storage(IStorageEngine real, SimNode node) => new Recording(real, Histories.GetOrCreateValue(node.Disk));

        public override void Crashed(SimNode node)
        {
            var history = Histories.GetOrCreateValue(node.Disk);
            if (history.Count == 0) return;
            history[^1] = history[^1] with { Winners = new Dictionary<Key, WriteRecord>() };
            node.Disk.Medium = Replay(history);
        }

        private sealed class Recording(IStorageEngine inner, List<StorageBatch> history) : StorageWrapper(inner)
        {
            public override async ValueTask CommitAsync(StorageBatch batch)
            {
                await base.CommitAsync(batch);
                history.Add(batch);
            }
        }
    }

    /// <summary>Readers see a write before it is durable.</summary>
    internal sealed class ReadBeforeSync : Mutant
    {
        // Somebody must read during the sync, and the sync must fail.
        public override IReadOnlySet<FaultKind> Faults { get; } = new HashSet<FaultKind> { FaultKind.CrashInWrite, FaultKind.SlowDisk, FaultKind.KillAll };

        public override IStorageEngine Storage(IStorageEngine real, SimNode node) => new Eager(real);

        private sealed class Eager(IStorageEngine inner) : StorageWrapper(inner)
        {
            private StorageBatch? _pending;

            public override WriteRecord? Read(Key key) => _pending?.Winners.GetValueOrDefault(key) ?? base.Read(key);

            public override async ValueTask CommitAsync(StorageBatch batch)
            {
                _pending = batch;
                await base.CommitAsync(batch);
                _pending = null;
            }
        }
    }

    /// <summary>The vector tells of a write that cannot be read yet: whoever waited for it reads what was there before.</summary>
    internal sealed class VectorBeforeApply : Mutant
    {
        private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(20);

        private readonly Dictionary<(SimNode, Key), (long At, WriteRecord? Before)> _applied = [];

        public override IStorageEngine Storage(IStorageEngine real, SimNode node) => new Remembering(real, node, _applied);

        public override Outcome Leave(Command command, Outcome outcome, SimNode node)
        {
            if (command is not GetCommand get || outcome is not (Outcome.Found or Outcome.Absent)) return outcome;
            if (!_applied.TryGetValue((node, get.Key), out var applied) || node.Cluster.Scheduler.Now - applied.At > Between.Ticks) return outcome;
            var token = node.Services!.GetRequiredService<Stability>().SealAfterReading(get.Token.Token, applied.Before);
            return applied.Before is { IsTombstone: false } before
                ? new Outcome.Found(before.Value, token, before.Token, node.Shard!.Value)
                : new Outcome.Absent(token, node.Shard!.Value);
        }

        // The writer itself is to see what it wrote.
        private sealed class Remembering(IStorageEngine inner, SimNode node, Dictionary<(SimNode, Key), (long, WriteRecord?)> applied) : StorageWrapper(inner)
        {
            public override async ValueTask CommitAsync(StorageBatch batch)
            {
                var before = batch.Winners.Keys.ToDictionary(key => key, Read);
                await base.CommitAsync(batch);
                foreach (var (key, record) in before) applied[(node, key)] = (node.Cluster.Scheduler.Now, record);
            }
        }
    }

    /// <summary>The value of a key is what arrived last.</summary>
    internal sealed class LastArrivalWins : Mutant
    {
        public override IStorageEngine Storage(IStorageEngine real, SimNode node) => new Rewriting(real, batch =>
            batch with { Winners = batch.Log.GroupBy(record => record.Key).ToDictionary(group => group.Key, group => group.Last()) });
    }

    /// <summary>Ties of the millisecond go to whoever arrived first: the counter of the hybrid clock is ignored.</summary>
    internal sealed class WallClockWins : Mutant
    {
        public override IStorageEngine Storage(IStorageEngine real, SimNode node) => new ByMilliseconds(real);

        private sealed class ByMilliseconds(IStorageEngine inner) : StorageWrapper(inner)
        {
            public override ValueTask CommitAsync(StorageBatch batch)
            {
                var winners = new Dictionary<Key, WriteRecord>();
                foreach (var (key, record) in batch.Winners)
                {
                    if (Read(key) is not { } incumbent || record.Stamp.Milliseconds > incumbent.Stamp.Milliseconds) winners[key] = record;
                }

                return base.CommitAsync(batch with { Winners = winners });
            }
        }
    }

    /// <summary>A tombstone is forgotten as soon as it is written.</summary>
    internal sealed class ForgetTombstones : Mutant
    {
        public override IStorageEngine Storage(IStorageEngine real, SimNode node) => new Forgetful(real);

        private sealed class Forgetful(IStorageEngine inner) : StorageWrapper(inner)
        {
            public override WriteRecord? Read(Key key) => base.Read(key) is { IsTombstone: false } record ? record : null;
        }
    }

    /// <summary>A node that is opened again counts its keys wrongly by one.</summary>
    internal sealed class CountDrifts : Mutant
    {
        public override IStorageEngine Storage(IStorageEngine real, SimNode node) => new Drifting(real, real.Checkpoint.LiveKeys > 0);

        private sealed class Drifting(IStorageEngine inner, bool drifts) : StorageWrapper(inner)
        {
            private bool _isBefore = drifts;

            public override ReplicaCheckpoint Checkpoint => _isBefore ? base.Checkpoint with { LiveKeys = base.Checkpoint.LiveKeys + 1 } : base.Checkpoint;

            public override ValueTask CommitAsync(StorageBatch batch)
            {
                _isBefore = false;
                return base.CommitAsync(batch);
            }
        }
    }

    /// <summary>The log is trimmed as soon as it is long, whoever still needs it.</summary>
    internal sealed class TrimTooEarly : Mutant
    {
        public override IStorageEngine Storage(IStorageEngine real, SimNode node) => new Trimming(real);

        private sealed class Trimming(IStorageEngine inner) : StorageWrapper(inner)
        {
            public override LogSlice? ReadLog(Origin origin, ulong after, ulong through, int maxRecords, int maxBytes) =>
                base.ReadLog(origin, after + 8 < through ? through - 8 : after, through, maxRecords, maxBytes);
        }
    }

    /// <summary>A node without its data believes that it is complete.</summary>
    internal sealed class ServeBeforeComplete : Mutant
    {
        // A disk must be lost, and the rest of the shard away while clients come whose tokens were pruned; the others only fill the time until then.
        public override IReadOnlySet<FaultKind> Faults { get; } = new HashSet<FaultKind> { FaultKind.LonelyDiskLoss, FaultKind.ConnectionReset, FaultKind.FetchDisorder };

        public override bool IsQuiet => true;

        public override IStorageEngine Storage(IStorageEngine real, SimNode node) => new Believing(real);

        private sealed class Believing(IStorageEngine inner) : StorageWrapper(inner)
        {
            public override ReplicaCheckpoint Checkpoint => base.Checkpoint is { Place: null } none ? none with { IsComplete = true } : base.Checkpoint;
        }
    }

    /// <summary>A node that lost its disk goes on under the same identity.</summary>
    internal sealed class ReuseIncarnation : Mutant
    {
        public override IReadOnlySet<FaultKind> Faults { get; } = new HashSet<FaultKind> { FaultKind.DiskLoss, FaultKind.ConnectionReset };

        public override Incarnation Reborn(Incarnation lost, Incarnation fresh) => lost;
    }

    /// <summary>The clock starts from the wall after a restart, not from what it had given out.</summary>
    internal sealed class ForgetSequence : Mutant
    {
        public override IStorageEngine Storage(IStorageEngine real, SimNode node) => new Forgetting(real, node.Disk.Incarnation);

        // The last own write is not counted when the store is opened, so its dot is given to another write.
        private sealed class Forgetting(IStorageEngine inner, Incarnation self) : StorageWrapper(inner)
        {
            private bool _isOpening = true;

            public override ReplicaCheckpoint Checkpoint
            {
                get
                {
                    var real = base.Checkpoint;
                    return !_isOpening || real.Place is not { } place || real.Vector[new Origin(self, place)] < 2
                        ? real
                        : real with { Vector = VersionVector.Of(real.Vector.Select(dot => dot.Origin == new Origin(self, place) ? dot with { Sequence = dot.Sequence - 1 } : dot)) };
                }
            }

            public override ValueTask CommitAsync(StorageBatch batch)
            {
                _isOpening = false;
                return base.CommitAsync(batch);
            }
        }
    }

    private sealed class Rewriting(IStorageEngine inner, Func<StorageBatch, StorageBatch> rewrite) : StorageWrapper(inner)
    {
        public override ValueTask CommitAsync(StorageBatch batch) => base.CommitAsync(rewrite(batch));
    }

    // Without OnStep nothing waits, so every call completes at once.
    private static InMemoryDisk Replay(IEnumerable<StorageBatch> batches)
    {
        var disk = new InMemoryDisk();
        var storage = new InMemoryStorage(disk);
        foreach (var batch in batches) _ = storage.CommitAsync(batch).AsTask();
        return disk;
    }
}
