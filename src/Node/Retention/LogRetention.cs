using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Topology;
using Kv.Node.Replica;
using Kv.Node.Signals;
using Kv.Node.Topology;

namespace Kv.Node.Retention;

/// <summary>
/// Trims the log of what nobody needs any more (docs/protocols/anti-entropy.md): what every replica that it concerns holds durably. When the log is too long because a member is
/// dead, it has the topology say that this member must be filled before it serves again, and trims what the others hold. Never what some member lacks: whoever is a member
/// may be the only one left to fill others from. What somebody still reads is kept as well (<see cref="LogHolds"/>), but not beyond half of what would be too long.
/// </summary>
internal sealed partial class LogRetention(
    NodeIdentity self,
    Published<ClusterTopology> topology,
    Published<MembershipView> membership,
    ReplicaState replica,
    Stability stability,
    LogHolds holds,
    TopologyChanges changes,
    TimeProvider time,
    RetentionOptions options,
    ILogger<LogRetention> logger)
{
    // Later than whoever acts before it, by address, so that one is enough.
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(2);

    private readonly Absences _dead = new();

    /// <summary>Looks after it until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                await Task.Delay(options.ReviewInterval, time, cancellation);
                if (holds.Count > 0 && IsLongerThan(options.MaxLogRecords / 2, options.MaxLogBytes / 2)) LogGivenUp(logger, holds.GiveUp());
                var isTooLong = IsTooLong();
                await TrimAsync(isTooLong ? stability.HeldByMembers : stability.Stable, isTooLong ? 1 : options.MinTrimRecords, cancellation);
                if (Overdue(isTooLong && IsTooLong()) is { } dead) await DemoteAsync(dead, cancellation);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
    }

    private bool IsTooLong() => IsLongerThan(options.MaxLogRecords, options.MaxLogBytes);

    private bool IsLongerThan(long records, long bytes) =>
        (options.MaxLogRecords > 0 && replica.Snapshot.Current.LogRecords > records) || (options.MaxLogBytes > 0 && replica.LogBytes > bytes);

    private async Task TrimAsync(StableVector stable, long least, CancellationToken cancellation)
    {
        var snapshot = replica.Snapshot.Current;
        var ahead = holds.Limit(stable.Vector.Meet(snapshot.Vector)).Without(snapshot.LoggedAfter);
        if (ahead.Sum(dot => (decimal)(dot.Sequence - snapshot.LoggedAfter[dot.Origin])) < least) return;
        await replica.TrimLogAsync(ahead, stable.Epoch).AsTask().WaitAsync(cancellation);
    }

    // The member that is dead for longest, if it is this node's turn to say so.
    private NodeAddress? Overdue(bool isTooLong)
    {
        var now = time.GetElapsedTime(0);
        var view = topology.Current;
        var peers = membership.Current;
        if (!isTooLong || !view.IsSealed || view.Transition is not null || replica.Place is not { Role: ReplicaRole.Member, Shard: { } shard })
        {
            _dead.Look([], now);
            return null;
        }

        var present = shard.Members.Where(member => member.Equals(self.Address) || peers.IsReachable(member)).ToList();
        _dead.Look([.. shard.Members.Where(member => !present.Contains(member) && !peers.IsLive(member))], now);
        var patience = options.DemoteAfter + (Turn * present.Count(member => member.CompareTo(self.Address) < 0));
        return present.Count >= TopologyRules.FewestMembersAfterDemotion ? _dead.Longest(patience, now) : null;
    }

    private async Task DemoteAsync(NodeAddress dead, CancellationToken cancellation)
    {
        var view = topology.Current;
        if (view.ShardOf(dead) is not { } shard) return;
        LogDemoting(logger, dead, shard.Id);
        await changes.ChangeAsync(new TopologyChange.Demote(changes.NewOperation(), shard.Id, new(dead, view.IncarnationAt(dead))), cancellation);
        _dead.Forget(dead);
    }

    [LoggerMessage(8000, LogLevel.Warning, "The log is too long because {Member} is dead: it is to be filled before it serves shard {Shard} again, and the log is not kept for it")]
    private static partial void LogDemoting(ILogger logger, NodeAddress member, ShardId shard);

    [LoggerMessage(8001, LogLevel.Warning, "The log has become too long to be kept for {Snapshots} snapshots of change feeds, or backups: they may have to begin anew")]
    private static partial void LogGivenUp(ILogger logger, int snapshots);
}
