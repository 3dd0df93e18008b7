using Kv.Common.Membership;
using Kv.Simulation.Faults;
using Kv.Simulation.Nodes;

namespace Kv.Simulation.Checkers;

/// <summary>Judges the failure detector: who is killed leaves every view within three seconds, and nobody accuses a node that it could hear.</summary>
internal sealed class DetectionWatch(SimCluster cluster, Nemesis nemesis)
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(6);

    /// <summary>Looks at every view as it is now.</summary>
    public void Look()
    {
        foreach (var observer in cluster.Running)
        {
            if (!IsSettled(observer, Settled)) continue;
            foreach (var other in cluster.Running)
            {
                if (other == observer || !IsSettled(other, Settled) || !nemesis.Calm.IsCalm(observer.Address, other.Address, Settled)) continue;
                if (observer.View!.Find(other.Address) is not { State: PeerState.Alive } view)
                    cluster.Violations.Add("No false accusation", $"{observer.Address} holds {other.Address} {observer.View!.Find(other.Address)?.State}");
                else if (!view.IsMember) cluster.Violations.Add("No false accusation", $"{observer.Address} does not count {other.Address} as a member");
            }
        }

        foreach (var kill in nemesis.Kills.Where(kill => cluster.Scheduler.Now - kill.At >= Bound.Ticks).ToList())
        {
            nemesis.Kills.Remove(kill);
            LookForKilled(kill.Node, kill.At);
        }
    }

    private void LookForKilled(SimNode killed, long at)
    {
        var now = cluster.Scheduler.Now;
        if (killed.IsRunning || killed.StartedAt > at) return;
        var sinceBefore = TimeSpan.FromTicks(now - at + TimeSpan.FromSeconds(2).Ticks);
        if (!cluster.Nodes.All(other => other == killed || nemesis.Calm.IsCalm(other.Address, killed.Address, sinceBefore))) return;
        foreach (var observer in cluster.Running.Where(observer => IsSettled(observer, sinceBefore)))
        {
            if (observer.View!.IsLive(killed.Address))
                cluster.Violations.Add("Killed nodes leave the view", $"{observer.Address} still has {killed.Address} {TimeSpan.FromTicks(now - at).TotalSeconds:F2} s after it was killed");
        }
    }

    private bool IsSettled(SimNode node, TimeSpan since) =>
        node.IsRunning && cluster.IsPlaced(node, since) && cluster.Scheduler.Now - node.StartedAt > since.Ticks && nemesis.Calm.IsCalm(node.Address, since);
}
