using Kv.Common.Identity;
using Kv.Common.Membership;
using Kv.Common.Migration;
using Kv.Common.Topology;
using Kv.Node.Replica;
using Kv.Node.Signals;
using Kv.Node.Topology;

namespace Kv.Node.Migration;

/// <summary>
/// Brings a reshard under way to its end. Every node runs it and the live member with the lowest address acts, the next ones a while later each, so that the end does not depend
/// on whoever began it, nor on one who is heard but cannot act; two that act do no harm, because what they wish for is decided by consensus, once.
/// </summary>
internal sealed partial class MigrationCoordinator(
    NodeIdentity self,
    Published<ClusterTopology> topology,
    Published<MembershipView> membership,
    ReplicaState replica,
    TopologyChanges changes,
    ReshardProgress progress,
    TimeProvider time,
    MigrationOptions options,
    ILogger<MigrationCoordinator> logger)
{
    /// <summary>Looks after it until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                var begun = await topology.WaitAsync(next => next.Transition is not null, cancellation);
                await BringToEndAsync(begun.Transition!.Id, cancellation);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
    }

    private async Task BringToEndAsync(OperationId reshard, CancellationToken cancellation)
    {
        progress.Begin(reshard);
        var firstSeen = time.GetTimestamp();
        (Type? Verdict, long Since) settled = (null, firstSeen);
        while (topology.Current is { Transition: { } transition } view && transition.Id == reshard)
        {
            // 1. Judge.
            var listening = time.GetElapsedTime(firstSeen) < options.LossPatience;
            var review = ReshardReview.Of(view, transition, node => StandingOf(node, view, transition, listening));
            progress.Waits(review);
            if (settled.Verdict != review.GetType()) settled = (review.GetType(), time.GetTimestamp());

            // 2. Act, if it is this node's turn.
            var patience = options.TurnLength * TurnOf(view);
            switch (review)
            {
                case ReshardReview.Ready ready when time.GetElapsedTime(settled.Since) >= patience:
                    LogCommitting(logger, reshard, ready.Filled.Length);
                    await changes.ChangeAsync(new TopologyChange.CommitReshard(changes.NewOperation(), reshard, ready.Filled), cancellation);
                    break;
                case ReshardReview.Waits { Without: { } enough } waits when progress.Unchanged() >= options.StragglerPatience + patience:
                    LogGoingOnWithout(logger, reshard, string.Join(", ", waits.For));
                    await changes.ChangeAsync(new TopologyChange.CommitReshard(changes.NewOperation(), reshard, enough), cancellation);
                    break;
                case ReshardReview.Waits waits when progress.Unchanged() >= options.StallPatience + patience:
                    LogStalled(logger, reshard, string.Join(", ", waits.For));
                    await changes.ChangeAsync(new TopologyChange.CancelReshard(changes.NewOperation(), reshard), cancellation);
                    break;
                case ReshardReview.Lacks lacks when time.GetElapsedTime(settled.Since) >= options.LossPatience + patience:
                    LogGivingUp(logger, reshard, lacks.Shard);
                    await changes.ChangeAsync(new TopologyChange.CancelReshard(changes.NewOperation(), reshard), cancellation);
                    break;
            }

            // 3. Look again after a while, or when it is over.
            await PauseAsync(reshard, cancellation);
        }
    }

    private int TurnOf(ClusterTopology view) => view.Members.Count(member => member.CompareTo(self.Address) < 0 && membership.Current.IsReachable(member));

    // One that was never heard may be dead for long; a node that has only just begun to listen waits for it as long as for a beat.
    private FillStanding StandingOf(NodeAddress node, ClusterTopology view, Transition transition, bool listening)
    {
        if (view.IncarnationAt(node).IsNone) return FillStanding.Gone;
        var report = replica.Snapshot.Current.Fill is { } own ? (own.Target, own.Since, own.IsComplete) : default;
        if (!node.Equals(self.Address))
        {
            if (membership.Current.Find(node) is not { IsMember: true, State: not PeerState.Dead } peer) return FillStanding.Gone;
            if (peer.State is PeerState.Unknown) return listening ? FillStanding.Filling : FillStanding.Gone;
            report = peer.Filling is { } told ? (told.Target, told.Since, told.IsComplete) : default;
        }

        return report == (transition.GroupOf(transition.ReplicatedBy(node)!.Id), transition.Begun, true) ? FillStanding.Filled : FillStanding.Filling;
    }

    private async Task PauseAsync(OperationId reshard, CancellationToken cancellation)
    {
        using var pause = new CancellationTokenSource(options.ReviewInterval, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, pause.Token);
        try
        {
            await topology.WaitAsync(next => next.Transition?.Id != reshard, either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
        }
    }

    [LoggerMessage(5020, LogLevel.Information, "Everything is where reshard {Reshard} wants it, on {Nodes} nodes: committing")]
    private static partial void LogCommitting(ILogger logger, OperationId reshard, int nodes);

    [LoggerMessage(5023, LogLevel.Warning, "Nothing has come of reshard {Reshard} for a while, which waits for {Nodes}: committing without them; they join afterwards")]
    private static partial void LogGoingOnWithout(ILogger logger, OperationId reshard, string nodes);

    [LoggerMessage(5022, LogLevel.Warning, "Nothing has come of reshard {Reshard} for long, which waits for {Nodes}: cancelling")]
    private static partial void LogStalled(ILogger logger, OperationId reshard, string nodes);

    [LoggerMessage(5021, LogLevel.Warning, "Reshard {Reshard} cannot be finished, because shard {Shard} would have too few live nodes: cancelling")]
    private static partial void LogGivingUp(ILogger logger, OperationId reshard, ShardId shard);
}
