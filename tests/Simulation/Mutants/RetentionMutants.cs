using System.Runtime.CompilerServices;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Topology;
using Kv.Node.Migration;
using Kv.Node.Peers;
using Kv.Node.Replica;
using Kv.Node.Retention;
using Kv.Node.Signals;
using Kv.Node.Storage;
using Kv.Node.Topology;
using Kv.Simulation.Faults;
using Kv.Simulation.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Kv.Simulation.Mutants;

/// <summary>Mutants whose fault lies in what is forgotten.</summary>
internal static class RetentionMutants
{
    /// <summary>What is durable here is taken to be held by all.</summary>
    internal sealed class TrimBeforeStable : Mutant
    {
        public override void Services(IServiceCollection services, SimNode node) => services.AddSingleton(s => new LogRetention(
            s.GetRequiredService<NodeIdentity>(), s.GetRequiredService<Published<ClusterTopology>>(), s.GetRequiredService<Published<MembershipView>>(), s.GetRequiredService<ReplicaState>(),
            StabilityThatSees(s, node, peer => peer with { Vector = peer.Vector.Join(s.GetRequiredService<ReplicaState>().Snapshot.Current.Vector) }),
            s.GetRequiredService<LogHolds>(), s.GetRequiredService<TopologyChanges>(), s.GetRequiredService<TimeProvider>(), s.GetRequiredService<RetentionOptions>(), s.GetRequiredService<ILogger<LogRetention>>()));
    }

    /// <summary>A deletion is forgotten as soon as this replica has it. What is in the log is stable before it goes, so that is not looked at either.</summary>
    internal sealed class CollectBeforeStable : Mutant
    {
        public override IStorageEngine Storage(IStorageEngine real, SimNode node) => new LogNotLookedAt(real);

        public override void Services(IServiceCollection services, SimNode node) => services.AddSingleton(s =>
        {
            PeerView Overstate(PeerView peer) => peer with { Vector = peer.Vector.Join(s.GetRequiredService<ReplicaState>().Snapshot.Current.Vector) };
            return new Settlement(
                s.GetRequiredService<NodeIdentity>(), s.GetRequiredService<Published<ClusterTopology>>(), Sight.OfPeers(s, node, Overstate), s.GetRequiredService<ReplicaState>(),
                StabilityThatSees(s, node, Overstate));
        });
    }

    /// <summary>A deletion is forgotten although the log has a write of its key still.</summary>
    internal sealed class CollectWhatIsLogged : Mutant
    {
        public override IStorageEngine Storage(IStorageEngine real, SimNode node) => new LogNotLookedAt(real);
    }

    /// <summary>A deletion is forgotten as soon as all have it, whatever older writes are on their way.</summary>
    internal sealed class CollectAtOnceWhenStable : Mutant
    {
        public override IReadOnlySet<FaultKind> Faults { get; } = new HashSet<FaultKind> { FaultKind.SlowLink, FaultKind.OneWayCut, FaultKind.LossyLink };

        public override void Services(IServiceCollection services, SimNode node) => services.AddSingleton(s =>
        {
            // Nothing is noted, so there is nothing to wait for.
            var stability = s.GetRequiredService<Stability>();
            return new Settlement(
                s.GetRequiredService<NodeIdentity>(), s.GetRequiredService<Published<ClusterTopology>>(),
                Sight.OfPeers(s, node, peer => peer with { Vector = peer.Vector.Meet(stability.Stable.Vector) }), s.GetRequiredService<ReplicaState>(), stability);
        });
    }

    /// <summary>Of what differs a comparison finds only every other arc.</summary>
    internal sealed class CompareTooLittle : Mutant
    {
        public override IPeerTransport Transport(IPeerTransport real, SimNode node) => new Overlooking(real);

        private sealed class Overlooking(IPeerTransport inner) : TransportWrapper(inner)
        {
            public override async IAsyncEnumerable<TransferPiece> TransferAsync(NodeAddress peer, TransferRequest request, [EnumeratorCancellation] CancellationToken cancellation)
            {
                var found = 0;
                await foreach (var piece in base.TransferAsync(peer, request, cancellation))
                {
                    var told = piece is TransferPiece.Differences differences ? new TransferPiece.Differences([.. differences.All.Where((_, at) => at % 2 == 0)]) : piece;
                    if (told is TransferPiece.Differences some) found = some.All.Count;
                    yield return told is TransferPiece.End && request.Kind is TransferKind.Differences ? new TransferPiece.End(found, 0) : told;
                }
            }
        }
    }

    /// <summary>What the donor of a comparison has no more is kept. Deletions are forgotten only when all members hold them, so that nothing older is there to be kept.</summary>
    internal sealed class KeepWhatDonorsForgot : Mutant
    {
        public override IStorageEngine Storage(IStorageEngine real, SimNode node) => new Keeping(real);

        private sealed class Keeping(IStorageEngine inner) : StorageWrapper(inner)
        {
            public override ValueTask CommitAsync(StorageBatch batch) => base.CommitAsync(Checkpoint.Fill is null ? batch : batch with { Forgotten = [] });
        }
    }

    // Whoever asks which keys are in the log hears of none.
    private sealed class LogNotLookedAt(IStorageEngine inner) : StorageWrapper(inner)
    {
        public override LogSlice? ReadLog(Origin origin, ulong after, ulong through, int maxRecords, int maxBytes) =>
            maxRecords == LoggedKeys.SliceRecords ? new([], through) : base.ReadLog(origin, after, through, maxRecords, maxBytes);
    }

    private static Stability StabilityThatSees(IServiceProvider s, SimNode node, Func<PeerView, PeerView> change) => new(
        s.GetRequiredService<NodeIdentity>(), s.GetRequiredService<Published<ClusterTopology>>(), Sight.OfPeers(s, node, change), s.GetRequiredService<ReplicaState>(),
        s.GetRequiredService<CausalTokenCodec>());
}
