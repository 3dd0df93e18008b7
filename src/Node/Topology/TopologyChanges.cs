using System.Collections.Immutable;
using Kv.Common.Consensus;
using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Peers;

namespace Kv.Node.Topology;

/// <summary>
/// Carries out changes of the topology: whatever others decide meanwhile, a change is decided once, or the caller learns why not. The cycle is to look, to
/// calculate, to decide, to hand over; whoever loses a race looks again.
/// </summary>
internal sealed partial class TopologyChanges(
    TopologyRegister register, TopologyProposer proposer, TimeProvider time, Random random, TopologyOptions options, ILogger<TopologyChanges> logger)
{
    /// <summary>A name for a new wish.</summary>
    public OperationId NewOperation()
    {
        lock (random) return new((ulong)random.NextInt64(1, long.MaxValue));
    }

    /// <summary>
    /// Completes when a majority of the acceptors that the change leaves behind hold it durably, when it is refused by a topology that was the latest
    /// while the call ran, or within <see cref="TopologyOptions.ChangeTimeout"/>.
    /// </summary>
    public Task<ChangeOutcome> ChangeAsync(TopologyChange change, CancellationToken cancellation) => ChangeAsync(change, Always, cancellation);

    /// <summary>
    /// The same for a change that is made because of how things stand. <paramref name="isWanted"/> is asked before each proposal, and once more when only the votes are missing; when it says no, it
    /// ends as withdrawn. What was voted for in vain before may still be carried on by others.
    /// </summary>
    public Task<ChangeOutcome> ChangeAsync(TopologyChange change, Func<bool> isWanted, CancellationToken cancellation) =>
        DecideAsync(parent => TopologyRules.Apply(parent, change), change.Id, isWanted, cancellation);

    /// <summary>Turns the provisional topology into the first one that names nodes; done as well when another one did it.</summary>
    public Task<ChangeOutcome> SealAsync(IReadOnlyDictionary<NodeAddress, Incarnation> present, CancellationToken cancellation)
    {
        var id = NewOperation();
        return DecideAsync(parent => parent.IsSealed ? new ChangeResult.AlreadySo() : new ChangeResult.Next(TopologyRules.Seal(parent, present, id)), id, Always, cancellation);
    }

    /// <summary>
    /// An operator's last resort when the quorum is lost for good: the survivors named decide alone from now on, whatever the others may think. This node
    /// must be one of them. Throws <see cref="ArgumentException"/> when the list cannot be. Not consensus: two lists at the same time split the cluster.
    /// </summary>
    public async Task<ChangeOutcome> RecoverAsync(IReadOnlyCollection<NodeAddress> survivors, CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(options.ChangeTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timeout.Token);
        var recovered = TopologyRules.Recover(register.Topology.Current, survivors);
        LogRecovering(logger, recovered);
        return await HandOverAsync(await register.LearnAsync(recovered), either.Token);
    }

    private static bool Always() => true;

    private async Task<ChangeOutcome> DecideAsync(Func<ClusterTopology, ChangeResult> rule, OperationId id, Func<bool> isWanted, CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(options.ChangeTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timeout.Token);
        var backoff = new Backoff(options.RetryMin, options.RetryMax, time, new Random(DrawSeed()));
        var above = Ballot.None;
        ImmutableArray<Acceptor> missing = [];
        try
        {
            while (true)
            {
                // 1. Look, and calculate.
                var parent = register.Topology.Current;
                var result = rule(parent);
                if (result is ChangeResult.AlreadySo && parent.RecentOperations.Contains(id)) return await HandOverAsync(parent, either.Token);

                // 2. Decide. What is so already, or refused, is read from the latest topology, and that may be one which is not known here yet.
                var mine = result is ChangeResult.Next next ? next.Topology : null;
                if (mine is not null && !isWanted()) return new ChangeOutcome.Withdrawn();
                var attempt = await proposer.AttemptAsync(parent, mine, isWanted, above, either.Token);
                above = attempt.HighestSeen;
                switch (attempt.Phase)
                {
                    case AttemptPhase.Chosen when proposer.Removes(attempt):
                        // A node that was removed ends when it learns of it, and its votes go with it: if nobody else knew, and the others were not a quorum
                        // without it, nobody could ever tell that this was decided. It learns like anybody else, from those who hold it.
                        var handedOver = await HandOverAsync(attempt.Value!, either.Token);
                        if (attempt.Value!.RecentOperations.Contains(id)) return handedOver;
                        break;
                    case AttemptPhase.Chosen or AttemptPhase.Behind:
                        continue;
                    case AttemptPhase.NothingPending when result is ChangeResult.Refused refused:
                        return new ChangeOutcome.Refused(refused.Reason, parent);
                    case AttemptPhase.NothingPending:
                        return new ChangeOutcome.Done(parent, Changed: false);
                    case AttemptPhase.Conflicting:
                        LogConflict(logger, attempt.Conflict!);
                        return new ChangeOutcome.NoQuorum([], attempt.Conflict!.ToString());
                    case AttemptPhase.Rejected:
                        break;
                    default:
                        missing = attempt.Missing;
                        break;
                }

                await backoff.PauseAsync(either.Token);
            }
        }
        catch (InvalidOperationException conflict)
        {
            // Somebody acts on another history: to be told to an operator, and no reason for this node to end.
            LogImpossible(logger, conflict.Message);
            return new ChangeOutcome.NoQuorum(missing, conflict.Message);
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            return new ChangeOutcome.NoQuorum(missing, null);
        }
    }

    // 3. Hand over.
    private async Task<ChangeOutcome> HandOverAsync(ClusterTopology topology, CancellationToken cancellation)
    {
        var barrier = await proposer.HandOverAsync(topology, cancellation);
        if (!barrier.IsDone) return new ChangeOutcome.NoQuorum(barrier.Missing, null);
        LogDecided(logger, topology);
        return new ChangeOutcome.Done(topology, Changed: true);
    }

    private int DrawSeed()
    {
        lock (random) return random.Next();
    }

    [LoggerMessage(6000, LogLevel.Information, "Topology changed: {Topology}")]
    private static partial void LogDecided(ILogger logger, ClusterTopology topology);

    [LoggerMessage(6002, LogLevel.Warning, "An operator recovers the cluster by force: {Topology}")]
    private static partial void LogRecovering(ILogger logger, ClusterTopology topology);

    [LoggerMessage(6003, LogLevel.Error, "The topology cannot be changed: {Reason}")]
    private static partial void LogImpossible(ILogger logger, string reason);

    [LoggerMessage(6001, LogLevel.Error, "The topology cannot be changed: {Conflict}")]
    private static partial void LogConflict(ILogger logger, Conflict conflict);
}
