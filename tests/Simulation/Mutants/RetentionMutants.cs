using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Topology;
using Kv.Node.Replica;
using Kv.Node.Retention;
using Kv.Node.Signals;
using Kv.Node.Topology;
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
            s.GetRequiredService<TopologyChanges>(), s.GetRequiredService<TimeProvider>(), s.GetRequiredService<RetentionOptions>(), s.GetRequiredService<ILogger<LogRetention>>()));
    }

    private static Stability StabilityThatSees(IServiceProvider s, SimNode node, Func<PeerView, PeerView> change) => new(
        s.GetRequiredService<NodeIdentity>(), s.GetRequiredService<Published<ClusterTopology>>(), Sight.OfPeers(s, node, change), s.GetRequiredService<ReplicaState>(),
        s.GetRequiredService<CausalTokenCodec>());
}
