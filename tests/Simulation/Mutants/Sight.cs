using Kv.Common.Membership;
using Kv.Common.Topology;
using Kv.Node.Signals;
using Kv.Simulation.Nodes;
using Microsoft.Extensions.DependencyInjection;

namespace Kv.Simulation.Mutants;

/// <summary>What a part of a mutant sees of the cluster, in place of what there is.</summary>
internal static class Sight
{
    /// <summary>The membership as it is, but for what <paramref name="change"/> makes of each peer.</summary>
    public static Published<MembershipView> OfPeers(IServiceProvider services, SimNode node, Func<PeerView, PeerView> change) => Through(
        services.GetRequiredService<Published<MembershipView>>(),
        node,
        view => new(node.Address, view.Peers.Select(peer => node.Known is null ? peer : change(peer))));

    /// <summary>The topology as it is, but without the reshard under way.</summary>
    public static Published<ClusterTopology> WithoutReshard(IServiceProvider services, SimNode node) =>
        Through(services.GetRequiredService<Published<ClusterTopology>>(), node, topology => topology.Transition is null ? topology : Copy(topology, topology.Shards));

    /// <summary>The topology as it is, but without those who join a shard.</summary>
    public static Published<ClusterTopology> WithoutJoining(IServiceProvider services, SimNode node) => Through(
        services.GetRequiredService<Published<ClusterTopology>>(),
        node,
        topology => topology.Shards.All(shard => shard.Joining.IsEmpty) ? topology : Copy(topology, topology.Shards.Select(shard => shard with { Joining = [] })));

    private static ClusterTopology Copy(ClusterTopology topology, IEnumerable<ShardMembers> shards) =>
        new(topology.Cluster, topology.Epoch, topology.Members.Select(member => new TopologyMember(member, topology.IncarnationAt(member))), shards, topology.Layouts);

    private static Published<T> Through<T>(Published<T> real, SimNode node, Func<T, T> change)
        where T : class
    {
        var seen = new Published<T>(change(real.Current));
        node.Process!.Start(FollowAsync);
        return seen;

        async Task FollowAsync()
        {
            while (true)
            {
                var last = real.Current;
                seen.Publish(change(last));
                await real.WaitAsync(next => !ReferenceEquals(next, last), CancellationToken.None);
            }
        }
    }
}
