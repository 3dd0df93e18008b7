using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Topology;
using Kv.Node.Signals;
using Kv.Node.Topology;

namespace Kv.Node.Requests;

/// <summary>
/// Has members removed that are dead for longer than <see cref="TopologyOptions.RemoveDeadAfter"/>; off unless that is set. Only where the shard keeps two
/// live members, and while a majority of the acceptors decides: a minority removes nobody. Nor does one node's opinion, which a cut between two nodes can make (<see cref="Witnesses"/>).
/// A vote takes its time, and whoever is back meanwhile stays.
/// </summary>
internal sealed partial class DeadRemoval(
    NodeIdentity self,
    Published<ClusterTopology> topology,
    Published<MembershipView> membership,
    MembershipChanges changes,
    Witnesses witnesses,
    TimeProvider time,
    TopologyOptions options,
    ILogger<DeadRemoval> logger)
{
    // Later than whoever acts before it, by address, so that one is enough.
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(2);

    private readonly Absences _dead = new();

    /// <summary>Looks after it until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            if (options.RemoveDeadAfter == TimeSpan.Zero) await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellation);
            while (true)
            {
                await Task.Delay(options.ReviewInterval, time, cancellation);
                if (Overdue() is not { } dead) continue;
                if (!await witnesses.HoldGoneAsync(dead, cancellation))
                {
                    LogSpared(logger, dead);
                    _dead.Forget(dead);
                    continue;
                }

                LogRemoving(logger, dead, options.RemoveDeadAfter);
                var outcome = await changes.RemoveDeadAsync(dead, () => IsDeadAndSpared(dead), cancellation);
                LogRemoved(logger, dead, outcome);
                _dead.Forget(dead);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
    }

    private NodeAddress? Overdue()
    {
        var now = time.GetElapsedTime(0);
        var view = topology.Current;
        var peers = membership.Current;
        _dead.Look([.. view.Members.Where(IsDeadAndSpared)], now);
        if (!view.IsSealed || view.Transition is not null) return null;
        var earlier = view.Members.Count(member => peers.IsReachable(member) && member.CompareTo(self.Address) < 0);
        return _dead.Longest(options.RemoveDeadAfter + (Turn * earlier), now);
    }

    private bool IsDeadAndSpared(NodeAddress node)
    {
        var peers = membership.Current;
        if (peers.Find(node) is not { State: PeerState.Dead }) return false;
        return topology.Current.ReplicatedBy(node) is not { } shard
            || shard.Members.Count(member => !member.Equals(node) && peers.IsReachable(member)) >= TopologyRules.FewestMembersAfterDemotion;
    }

    [LoggerMessage(4102, LogLevel.Warning, "{Member} is dead to this node for longer than Topology:RemoveDeadAfter, but some other hears it, or it answers, or too few say that they do not hear it: it stays. Is the link between the two cut?")]
    private static partial void LogSpared(ILogger logger, NodeAddress member);

    [LoggerMessage(4100, LogLevel.Warning, "{Member} is dead for longer than Topology:RemoveDeadAfter, {Patience}: it is to be removed from the cluster")]
    private static partial void LogRemoving(ILogger logger, NodeAddress member, TimeSpan patience);

    [LoggerMessage(4101, LogLevel.Information, "The removal of {Member} ended with {Outcome}")]
    private static partial void LogRemoved(ILogger logger, NodeAddress member, MembershipOutcome outcome);
}
