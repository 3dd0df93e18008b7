using System.Runtime.CompilerServices;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Migration;
using Kv.Common.Topology;
using Kv.Node.Membership;
using Kv.Node.Peers;
using Kv.Node.Replica;
using Kv.Node.Requests;
using Kv.Node.Signals;
using Kv.Node.Storage;
using Kv.Node.Topology;
using Kv.Simulation.Faults;
using Kv.Simulation.Nodes;
using Kv.Simulation.Runs;
using Microsoft.Extensions.DependencyInjection;

namespace Kv.Simulation.Mutants;

/// <summary>Mutants whose fault lies in what a node does while the topology gives it a place, takes it away, or gives one to others.</summary>
internal static class PlaceMutants
{
    private static readonly HashSet<FaultKind> Joins =
        [FaultKind.AddNode, FaultKind.AddReplica, FaultKind.SlowLink, FaultKind.OneWayCut, FaultKind.Bridge];

    private static readonly HashSet<FaultKind> Leaves =
        [FaultKind.AddNode, FaultKind.AddReplica, FaultKind.RemoveNode, FaultKind.Isolation, FaultKind.Partition];

    /// <summary>No node hears of a newer epoch by itself.</summary>
    internal sealed class StaleTopology : Mutant
    {
        public override IReadOnlySet<FaultKind> Faults => Leaves;

        public override void Services(IServiceCollection services, SimNode node) => services.AddSingleton<IHeartbeatSource>(s =>
            new HeartbeatWrapper(s.GetRequiredService<HeartbeatSource>, beat => beat with { Epoch = Epoch.First })).AddSingleton<HeartbeatSource>();
    }

    /// <summary>A node that joins takes it that there is nothing to hold before it serves.</summary>
    internal sealed class JoiningServesAtOnce : Mutant
    {
        // Those who were there before must have something that is named by no token any more.
        public override bool IsQuiet => true;

        public override IReadOnlySet<FaultKind> Faults { get; } = new HashSet<FaultKind> { FaultKind.AddNode, FaultKind.AddReplica, FaultKind.SlowLink };

        public override void Services(IServiceCollection services, SimNode node) =>
            services.AddSingleton(s => FloorThatSees(s, node, peer => peer with { Vector = VersionVector.Empty, Epoch = node.Known!.Epoch }));

        public override IStorageEngine Storage(IStorageEngine real, SimNode node) => new Hasty(real);

        // As if there were nothing to be filled with.
        private sealed class Hasty(IStorageEngine inner) : StorageWrapper(inner)
        {
            public override ValueTask CommitAsync(StorageBatch batch)
            {
                var next = batch.Checkpoint;
                if (next is { Place: null, Fill: { } fill } && fill.Sources is [var only] && only.Group == fill.Target)
                    (PlaceIn(next), FillIn(next), IsCompleteIn(next)) = (fill.Target, null, true);
                return base.CommitAsync(batch);
            }
        }

        [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "<Place>k__BackingField")]
        private static extern ref ReplicaGroup? PlaceIn(ReplicaCheckpoint checkpoint);

        [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "<Fill>k__BackingField")]
        private static extern ref Fill? FillIn(ReplicaCheckpoint checkpoint);

        [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "<IsComplete>k__BackingField")]
        private static extern ref bool IsCompleteIn(ReplicaCheckpoint checkpoint);
    }

    /// <summary>What a node holds that joins the shard counts for the members.</summary>
    internal sealed class JoiningCounts : Mutant
    {
        public override IReadOnlySet<FaultKind> Faults => Joins;

        public override void Services(IServiceCollection services, SimNode node) => services.AddSingleton<IDurabilityObserver>(s => new DurabilityWrapper(s, (concern, member, incarnation, vector) =>
        {
            concern.Acknowledged(member, incarnation, vector);
            if (s.GetRequiredService<ReplicaState>().Place.Shard is not { } shard || !shard.Joining.Contains(member)) return;
            var topology = s.GetRequiredService<Published<ClusterTopology>>().Current;
            foreach (var counted in shard.Members) concern.Acknowledged(counted, topology.IncarnationAt(counted), vector);
        }));
    }

    /// <summary>A node that was removed does not take it in, and goes on.</summary>
    internal sealed class IgnoreRemoval : Mutant
    {
        public override IReadOnlySet<FaultKind> Faults => Leaves;

        public override IPeerTransport Transport(IPeerTransport real, SimNode node) => new Deaf(real, node);

        private sealed class Deaf(IPeerTransport inner, SimNode node) : TransportWrapper(inner)
        {
            public override async ValueTask<ControlReply> CallAsync(NodeAddress peer, ControlRequest request, CancellationToken cancellation)
            {
                var reply = await base.CallAsync(peer, request, cancellation);
                return reply is ControlReply.Holds { Topology: var topology } && node.Known?.IsMember(node.Identity) == true && !topology.IsMember(node.Identity)
                    ? new ControlReply.Refused("not wanted")
                    : reply;
            }
        }
    }

    /// <summary>What is stable is judged without those who join.</summary>
    internal sealed class StabilityWithoutJoining : Mutant
    {
        public override bool IsQuiet => true;

        public override IReadOnlySet<FaultKind> Faults => Joins;

        public override void Services(IServiceCollection services, SimNode node) => services.AddSingleton(s => new Stability(
            s.GetRequiredService<NodeIdentity>(), Sight.WithoutJoining(s, node), s.GetRequiredService<Published<MembershipView>>(), s.GetRequiredService<ReplicaState>(),
            s.GetRequiredService<CausalTokenCodec>()));
    }

    /// <summary>A node goes although nobody else holds what it holds.</summary>
    internal sealed class LeaveWithoutHandingOver : Mutant
    {
        public override IReadOnlySet<FaultKind> Faults { get; } =
            new HashSet<FaultKind> { FaultKind.AddNode, FaultKind.AddReplica, FaultKind.RemoveNode, FaultKind.SlowLink, FaultKind.OneWayCut };

        public override void Services(IServiceCollection services, SimNode node) => services.AddSingleton(s => new MembershipChanges(
            s.GetRequiredService<NodeIdentity>(), s.GetRequiredService<Published<ClusterTopology>>(),
            Sight.OfPeers(s, node, peer => peer with { Owes = false, Vector = node.Known!.ReplicatedBy(peer.Address)?.Leaving.Contains(peer.Address) == true ? VersionVector.Empty : peer.Vector }),
            s.GetRequiredService<ReplicaState>(), s.GetRequiredService<TopologyChanges>(), s.GetRequiredService<IPeerTransport>(), s.GetRequiredService<Witnesses>(),
            s.GetRequiredService<TimeProvider>(), s.GetRequiredService<TopologyOptions>()));
    }

    /// <summary>A node serves a token of an epoch that it does not know.</summary>
    internal sealed class IgnoreNewerEpochs : Mutant
    {
        public override IReadOnlySet<FaultKind> Faults { get; } = new HashSet<FaultKind>(Leaves) { FaultKind.Reshard };

        public override Plan Direct(Plan plan) => DirectedPlans.CutOffWhileKeysMove(plan);

        public override Command Enter(Command command, SimNode node)
        {
            if (command.Token.Sealed.IsEmpty) return command;
            var token = command.Token.Token with { Epoch = default };
            return command with { Token = new(token, node.Services!.GetRequiredService<CausalTokenCodec>().Seal(token)) };
        }
    }

    private static ServingFloor FloorThatSees(IServiceProvider services, SimNode node, Func<PeerView, PeerView> change) => new(
        services.GetRequiredService<NodeIdentity>(), services.GetRequiredService<Published<ClusterTopology>>(), Sight.OfPeers(services, node, change),
        services.GetRequiredService<ReplicaState>(), services.GetRequiredService<IMissingRecords>(),
        services.GetRequiredService<TimeProvider>(), services.GetRequiredService<ReplicaOptions>());
}
