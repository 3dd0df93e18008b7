using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Signals;
using Kv.Node.Topology;
using Kv.Simulation.Nodes;
using Microsoft.Extensions.DependencyInjection;

namespace Kv.Simulation.Faults;

/// <summary>
/// The operator of a cluster that has lost the disks of so many acceptors that no change can ever be decided again: once everything is healed, names the
/// survivors. That is what forced recovery is for; as long as a quorum exists, it is not used.
/// </summary>
internal sealed class LostQuorum(SimCluster cluster)
{
    private ClusterTopology? _recovered;

    public int Recoveries { get; private set; }

    /// <summary>Looks at a cluster all of whose nodes run, and recovers it if need be.</summary>
    public void Look()
    {
        if (cluster.Running.Select(TopologyOf).MaxBy(topology => topology.Epoch) is not { IsSealed: true } latest || latest.Digest == _recovered?.Digest) return;
        var left = latest.Acceptors.Count(acceptor => cluster[acceptor.Address].Disk.Incarnation == acceptor.Incarnation);
        if (left > latest.Acceptors.Length / 2) return;
        var survivors = cluster.Running.Where(node => latest.IncarnationAt(node.Address) == node.Disk.Incarnation).ToList();
        var one = survivors.Find(node => TopologyOf(node).Digest == latest.Digest);
        if (one is null) return;
        _recovered = latest;
        Recoveries++;
        cluster.Log($"OPERATOR recovers epoch {latest.Epoch} with {string.Join(", ", survivors.Select(node => node.Address))}");
        NodeAddress[] list = [.. survivors.Select(node => node.Address)];
        one.Do(async services =>
        {
            // The same list after the same parent gives the same topology.
            cluster.History.Recovered(TopologyRules.Recover(services.GetRequiredService<Published<ClusterTopology>>().Current, list));
            await services.GetRequiredService<TopologyChanges>().RecoverAsync(list, CancellationToken.None);
        });
    }

    private static ClusterTopology TopologyOf(SimNode node) => node.Services!.GetRequiredService<Published<ClusterTopology>>().Current;
}
