using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Migration;
using Kv.Common.Topology;
using Kv.Node.Membership;
using Kv.Node.Migration;
using Kv.Node.Peers;
using Kv.Node.Replica;
using Kv.Node.Replication;
using Kv.Node.Signals;
using Kv.Node.Storage;
using Kv.Simulation.Faults;
using Kv.Simulation.Nodes;
using Kv.Simulation.Runs;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Kv.Simulation.Mutants;

/// <summary>Mutants whose fault lies in how keys move.</summary>
internal static class MigrationMutants
{
    private static readonly HashSet<FaultKind> Reshards = [FaultKind.Reshard, FaultKind.AddNode, FaultKind.SlowLink, FaultKind.ConnectionReset, FaultKind.Pause];

    private static readonly HashSet<FaultKind> Cuts = [FaultKind.Reshard, FaultKind.Isolation, FaultKind.Partition, FaultKind.SlowLink, FaultKind.Kill];

    /// <summary>Everybody says that it is filled as soon as it begins.</summary>
    internal sealed class CommitWithoutWaiting : Mutant
    {
        public override IReadOnlySet<FaultKind> Faults => Reshards;

        public override void Services(IServiceCollection services, SimNode node) => services.AddSingleton<IHeartbeatSource>(s =>
            new HeartbeatWrapper(s.GetRequiredService<HeartbeatSource>, beat => beat.Filling is { } filling ? beat with { Filling = filling with { IsComplete = true } } : beat))
            .AddSingleton<HeartbeatSource>();
    }

    /// <summary>A fill is complete when everything was scanned, whatever was written before the members knew of it and is on its way.</summary>
    internal sealed class FilledWithoutMeasure : Mutant
    {
        public override bool IsQuiet => true;

        public override IReadOnlySet<FaultKind> Faults { get; } = new HashSet<FaultKind>(Reshards) { FaultKind.AddReplica, FaultKind.OneWayCut, FaultKind.LossyLink };

        public override void Services(IServiceCollection services, SimNode node) =>
            services.AddSingleton(s => FillingThatSees(s, Sight.OfPeers(s, node, peer => peer with { Vector = VersionVector.Empty })));
    }

    /// <summary>Of every fourth part nothing comes.</summary>
    internal sealed class DonorSkipsRange : Mutant
    {
        public override IReadOnlySet<FaultKind> Faults => Reshards;

        public override IPeerTransport Transport(IPeerTransport real, SimNode node)
        {
            var parts = 0;
            return new Transferring(real, (_, pieces) => ++parts % 4 == 0 ? Keeping(pieces, _ => false) : pieces);
        }
    }

    /// <summary>A page is taken for everything.</summary>
    internal sealed class FirstPageOnly : Mutant
    {
        public override IReadOnlySet<FaultKind> Faults => Reshards;

        public override IPeerTransport Transport(IPeerTransport real, SimNode node) => new Transferring(real, (_, pieces) => Ending(pieces));

        private static async IAsyncEnumerable<TransferPiece> Ending(IAsyncEnumerable<TransferPiece> pieces)
        {
            await foreach (var piece in pieces) yield return piece is TransferPiece.End end ? end with { Through = null } : piece;
        }
    }

    /// <summary>A transfer brings no tombstones.</summary>
    internal sealed class TransferLosesTombstones : Mutant
    {
        public override IReadOnlySet<FaultKind> Faults => Reshards;

        public override IPeerTransport Transport(IPeerTransport real, SimNode node) => new Transferring(real, (_, pieces) => Keeping(pieces, record => !record.IsTombstone));
    }

    /// <summary>A cut says one write of each origin more than there is.</summary>
    internal sealed class CutTooHigh : Mutant
    {
        public override IReadOnlySet<FaultKind> Faults => Reshards;

        public override IPeerTransport Transport(IPeerTransport real, SimNode node) => new Transferring(real, (_, pieces) => Higher(pieces));

        private static async IAsyncEnumerable<TransferPiece> Higher(IAsyncEnumerable<TransferPiece> pieces)
        {
            await foreach (var piece in pieces)
                yield return piece is TransferPiece.Cut cut ? new TransferPiece.Cut(VersionVector.Of(cut.Vector.Select(dot => dot with { Sequence = dot.Sequence + 1 }))) : piece;
        }
    }

    /// <summary>A donor is taken whatever it holds.</summary>
    internal sealed class ResumedWithOlderScan : Mutant
    {
        public override IReadOnlySet<FaultKind> Faults { get; } = new HashSet<FaultKind>(Reshards) { FaultKind.OneWayCut, FaultKind.LossyLink };

        public override Plan Direct(Plan plan) => DirectedPlans.MoveWhileSomeAreBehind(plan);

        public override IPeerTransport Transport(IPeerTransport real, SimNode node) =>
            new Transferring(real, null, request => request with { Have = VersionVector.Empty });

        public override void Services(IServiceCollection services, SimNode node) => services.AddSingleton(s => FillingThatSees(s, Sight.OfPeers(s, node, peer => peer with
        {
            Vector = s.GetRequiredService<Published<MembershipView>>().Current.Peers.Where(other => other.Place == peer.Place).Aggregate(peer.Vector, (joined, other) => joined.Join(other.Vector)),
        })));
    }

    /// <summary>Those who are to own a key are sent a gap in place of the record.</summary>
    internal sealed class GapsInsteadOfRecords : Mutant
    {
        public override IReadOnlySet<FaultKind> Faults => Reshards;

        public override IPeerTransport Transport(IPeerTransport real, SimNode node) => new Gaps(real, node);

        private sealed class Gaps(IPeerTransport inner, SimNode node) : TransportWrapper(inner)
        {
            public override async ValueTask<IPeerStream<RecordBatch, Acknowledgement>> OpenBroadcastAsync(NodeAddress peer, BroadcastOpening opening, CancellationToken cancellation)
            {
                var stream = await base.OpenBroadcastAsync(peer, opening, cancellation);
                if (opening.Scope.Reshard == default || node.Known!.ReplicatedBy(peer)?.Id == node.Known.ReplicatedBy(node.Address)?.Id) return stream;
                return new StreamWrapper<RecordBatch, Acknowledgement>(stream, batch => [new([.. batch.Passages.Select(passage => passage with { Record = null })])]);
            }
        }
    }

    /// <summary>A replica that is filled for what it is to own drops what it owns still.</summary>
    internal sealed class DropBeforeCommit : Mutant
    {
        public override IReadOnlySet<FaultKind> Faults => Reshards;

        public override IStorageEngine Storage(IStorageEngine real, SimNode node) => new Dropping(real, node);

        private sealed class Dropping(IStorageEngine inner, SimNode node) : StorageWrapper(inner)
        {
            public override ValueTask CommitAsync(StorageBatch batch)
            {
                if (batch.Checkpoint is not { Place: { } place, Fill: { IsComplete: true } fill } || fill.Target == place || node.Known?.Transition is not { } transition) return base.CommitAsync(batch);
                return base.CommitAsync(batch with { Dropped = [.. transition.Ring.Shards.Where(shard => shard != fill.Target.Shard).SelectMany(transition.Ring.RangesOf)] });
            }
        }
    }

    /// <summary>Nothing is ever dropped.</summary>
    internal sealed class KeepAfterSwitch : Mutant
    {
        public override IReadOnlySet<FaultKind> Faults => Reshards;

        public override IStorageEngine Storage(IStorageEngine real, SimNode node) => new Keeper(real);

        private sealed class Keeper(IStorageEngine inner) : StorageWrapper(inner)
        {
            public override ValueTask CommitAsync(StorageBatch batch) => base.CommitAsync(batch with { Dropped = [] });
        }
    }

    /// <summary>The switch does not remember what it ends.</summary>
    internal sealed class ForgetFormerAtOnce : Mutant
    {
        public override IReadOnlySet<FaultKind> Faults => Cuts;

        public override Plan Direct(Plan plan) => DirectedPlans.CutOffWhileKeysMove(plan);

        public override IStorageEngine Storage(IStorageEngine real, SimNode node) => new Forgetting(real);
    }

    /// <summary>What a replica holds after the switch is what any of its sources held.</summary>
    internal sealed class CombineJoins : Mutant
    {
        public override IReadOnlySet<FaultKind> Faults => Cuts;

        public override IStorageEngine Storage(IStorageEngine real, SimNode node) => new AtSwitch(real, (before, after) =>
        {
            foreach (var source in before.Fill?.Sources ?? []) VectorOf(after) = after.Vector.Join(source.Vector);
            VectorOf(after) = after.Vector.Join(before.Vector);
        });
    }

    /// <summary>After the switch the count is what it was.</summary>
    internal sealed class CountsNotRecomputed : Mutant
    {
        public override IReadOnlySet<FaultKind> Faults => Reshards;

        public override IStorageEngine Storage(IStorageEngine real, SimNode node) => new AtSwitch(real, (before, after) => LiveKeysOf(after) = before.LiveKeys);
    }

    /// <summary>While a reshard is under way tokens are pruned as ever.</summary>
    internal sealed class StabilityWithoutFilled : Mutant
    {
        public override bool IsQuiet => true;

        public override IReadOnlySet<FaultKind> Faults { get; } = new HashSet<FaultKind> { FaultKind.Reshard, FaultKind.SlowLink, FaultKind.OneWayCut, FaultKind.LossyLink, FaultKind.ConnectionReset };

        public override Plan Direct(Plan plan) => DirectedPlans.MoveWhileSomeAreBehind(plan);

        public override void Services(IServiceCollection services, SimNode node) => services.AddSingleton(s => new Stability(
            s.GetRequiredService<NodeIdentity>(), Sight.WithoutReshard(s, node), s.GetRequiredService<Published<MembershipView>>(), s.GetRequiredService<ReplicaState>(),
            s.GetRequiredService<CausalTokenCodec>()));
    }

    /// <summary>New owners are not waited for, and what they lack is not handed over after the switch.</summary>
    internal sealed class AcknowledgedByOldOwnersOnly : Mutant
    {
        public override IReadOnlySet<FaultKind> Faults { get; } = new HashSet<FaultKind>(Cuts) { FaultKind.OneWayCut };

        public override Plan Direct(Plan plan) => DirectedPlans.CutOffWhileKeysMove(plan);

        public override void Services(IServiceCollection services, SimNode node)
        {
            services.AddSingleton<IDurabilityObserver>(s => new DurabilityWrapper(s, (concern, peer, incarnation, vector) =>
            {
                concern.Acknowledged(peer, incarnation, vector);
                concern.Lost(peer);
            }));
        }

        public override IStorageEngine Storage(IStorageEngine real, SimNode node) => new Forgetting(real);
    }

    /// <summary>What a transfer brought comes once more a while later, into whatever is being filled then.</summary>
    internal sealed class LateTransfer : Mutant
    {
        private static readonly TimeSpan Late = TimeSpan.FromSeconds(1.5);

        public override IReadOnlySet<FaultKind> Faults { get; } = new HashSet<FaultKind> { FaultKind.Reshard, FaultKind.CancelReshard };

        public override IPeerTransport Transport(IPeerTransport real, SimNode node) => new Transferring(real, (_, pieces) => Again(pieces, node));

        private static async IAsyncEnumerable<TransferPiece> Again(IAsyncEnumerable<TransferPiece> pieces, SimNode node)
        {
            var process = node.Process!;
            await foreach (var piece in pieces)
            {
                if (piece is TransferPiece.Records records) node.Cluster.Scheduler.After(Late, () => TakeIn(node, process, records));
                yield return piece;
            }
        }

        private static void TakeIn(SimNode node, Time.SimProcess process, TransferPiece.Records records)
        {
            if (node.Process != process) return;
            node.Do(async services =>
            {
                var replica = services.GetRequiredService<ReplicaState>();
                if (replica.Snapshot.Current.Fill is { } fill) await replica.TransferAsync(FillSession.Of(fill), records.All);
            });
        }
    }

    private static Filling FillingThatSees(IServiceProvider s, Published<MembershipView> membership) => new(
        s.GetRequiredService<NodeIdentity>(), s.GetRequiredService<Published<ClusterTopology>>(), membership, s.GetRequiredService<ReplicaState>(),
        s.GetRequiredService<RangeQuestions>(), s.GetRequiredService<Mending>(), s.GetRequiredService<FillProgress>(), s.GetRequiredService<TransferBudget>(), s.GetRequiredService<TimeProvider>(), s.GetRequiredService<Random>(),
        s.GetRequiredService<MigrationOptions>(), s.GetRequiredService<ILogger<Filling>>());

    // Whoever receives it is told that this is all.
    private static async IAsyncEnumerable<TransferPiece> Keeping(IAsyncEnumerable<TransferPiece> pieces, Func<Common.Replication.WriteRecord, bool> isKept)
    {
        var digest = new TransferDigest();
        await foreach (var piece in pieces)
        {
            switch (piece)
            {
                case TransferPiece.Records records:
                    var kept = records.All.Where(isKept).ToList();
                    foreach (var record in kept) digest.Add(record);
                    if (kept.Count > 0) yield return new TransferPiece.Records(kept);
                    break;
                case TransferPiece.End end:
                    yield return end with { Count = digest.Count, Digest = digest.Value };
                    break;
                default:
                    yield return piece;
                    break;
            }
        }
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "<Vector>k__BackingField")]
    private static extern ref VersionVector VectorOf(ReplicaCheckpoint checkpoint);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "<Former>k__BackingField")]
    private static extern ref ImmutableArray<FormerPlace> FormerOf(ReplicaCheckpoint checkpoint);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "<LiveKeys>k__BackingField")]
    private static extern ref long LiveKeysOf(ReplicaCheckpoint checkpoint);

    private sealed class Transferring(
        IPeerTransport inner, Func<TransferRequest, IAsyncEnumerable<TransferPiece>, IAsyncEnumerable<TransferPiece>>? change, Func<TransferRequest, TransferRequest>? ask = null)
        : TransportWrapper(inner)
    {
        public override IAsyncEnumerable<TransferPiece> TransferAsync(NodeAddress peer, TransferRequest request, CancellationToken cancellation)
        {
            var pieces = base.TransferAsync(peer, ask?.Invoke(request) ?? request, cancellation);
            return change?.Invoke(request, pieces) ?? pieces;
        }
    }

    private sealed class Forgetting(IStorageEngine inner) : StorageWrapper(inner)
    {
        public override ValueTask CommitAsync(StorageBatch batch)
        {
            if (Checkpoint.Place != batch.Checkpoint.Place) FormerOf(batch.Checkpoint) = [];
            return base.CommitAsync(batch);
        }
    }

    private sealed class AtSwitch(IStorageEngine inner, Action<ReplicaCheckpoint, ReplicaCheckpoint> change) : StorageWrapper(inner)
    {
        public override ValueTask CommitAsync(StorageBatch batch)
        {
            if (Checkpoint.Place is { } before && batch.Checkpoint.Place is { } after && before != after) change(Checkpoint, batch.Checkpoint);
            return base.CommitAsync(batch);
        }
    }
}
