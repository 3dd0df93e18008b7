using Kv.Common.Identity;
using Kv.Simulation.Faults;
using Kv.Simulation.Nodes;

namespace Kv.Simulation.Checkers;

/// <summary>
/// Judges what goes with a machine: a node that is let go while nothing is wrong takes nothing with it. One that was taken for dead counts as a lost disk,
/// and more lost disks of a shard than one may be one too many for any write.
/// </summary>
internal sealed class DepartureWatch(SimCluster cluster, Calm calm)
{
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(20);

    private readonly Dictionary<ShardId, int> _losses = [];

    /// <summary>What the node holds is about to be gone, because it was removed.</summary>
    public void Removed(SimNode node)
    {
        if (node.Disk.Durable.Vector.IsEmpty && node.Disk.Durable.Former.IsEmpty) return;
        var isGraceful = IsCalm();
        var lost = Lose(node, isCounted: !isGraceful);
        if (isGraceful && lost.Count > 0)
            cluster.Violations.Add("A node that leaves hands over", $"{node.Address} was removed, and with it {lost.Count} writes that nobody else has, such as {lost[0].Record.Dot}");
    }

    /// <summary>Everything that only this node's disk has is lost; says what.</summary>
    public List<Ledger.Entry> Lose(SimNode node, bool isCounted = true)
    {
        var lost = OnlyAt(node);
        foreach (var shard in lost.Select(cluster.ShardOf).Distinct().Where(_ => isCounted).ToList()) _losses[shard] = _losses.GetValueOrDefault(shard) + 1;
        foreach (var entry in lost)
        {
            entry.IsLost = true;
            entry.IsLostForManyReasons = _losses.GetValueOrDefault(cluster.ShardOf(entry)) > 1;
        }

        return lost;
    }

    /// <summary>Every write that only this node's disk has.</summary>
    public List<Ledger.Entry> OnlyAt(SimNode node)
    {
        var others = cluster.Members.Where(other => other != node).Select(other => other.Disk).ToList();
        return
        [
            .. cluster.Ledger.Entries
                .Where(entry => !entry.IsLost && node.Disk.Has(entry.Record) && !others.Exists(disk => disk.AnswersFor(entry.Record, cluster.Topology))),
        ];
    }

    private bool IsCalm() => cluster.Provisioned.All(node =>
        calm.IsCalm(node.Address, Settled) && cluster.Provisioned.All(other => calm.IsCalm(node.Address, other.Address, Settled)));
}
