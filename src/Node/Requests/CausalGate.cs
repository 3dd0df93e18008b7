using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Time;
using Kv.Common.Topology;
using Kv.Node.Replica;
using Kv.Node.Signals;
using Kv.Node.Telemetry;

namespace Kv.Node.Requests;

/// <summary>
/// Lets a request through when this replica holds its client's past: the dots of the own shard in its token. If it does not, the missing dots are
/// asked of the peers and waited for, up to a bound.
/// </summary>
internal sealed class CausalGate(
    Published<ClusterTopology> topology, ReplicaState replica, ServingFloor floor, IMissingRecords missingRecords, RequestBudget budget, TimeProvider time, RequestOptions options, KvMetrics metrics)
{
    /// <summary>False while this replica catches up: another one is the better address.</summary>
    public bool IsOpenTo(CausalToken token) => floor.IsUpToDate && floor.Admits(token);

    /// <summary>
    /// Null when this replica is what <paramref name="view"/> makes of it and the request may go on, else the outcome to answer with: that another shard's replica it has
    /// become by now, for one.
    /// </summary>
    public ValueTask<Outcome?> PassAsync(ClusterTopology view, ShardId shard, CausalToken token, Deadline deadline)
    {
        if (RefuseStamp(token) is { } refused) return new(refused);
        var group = view.GroupOf(shard);
        var past = view.Concerning(group, token.Dependencies);
        var snapshot = replica.Snapshot.Current;
        if (snapshot.Place == group && floor.Admits(token) && snapshot.Vector.Covers(past)) return default;
        return WaitAsync(group, token, past, deadline);
    }

    /// <summary>
    /// True while the replica still is of that group: what was read from it before this was asked can be relied on. The writer gives ranges up only after the topology that
    /// says so was published, and may have done so although its snapshot does not tell yet.
    /// </summary>
    public bool IsStill(ReplicaGroup group) => topology.Current.Layout == group.Layout && replica.Snapshot.Current.Place == group;

    // Most of what is missing is on its way by broadcast; only what does not come by itself is asked for.
    private async ValueTask<bool> CoversSoonAsync(ReplicaGroup group, VersionVector past, CancellationToken cancellation)
    {
        using var soon = new CancellationTokenSource(options.AskAfter, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, soon.Token);
        try
        {
            await replica.Snapshot.WaitAsync(snapshot => HasMovedOn(snapshot, group) || Holds(snapshot, group, past), either.Token);
            return true;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return false;
        }
    }

    // A stamp from the future could push the clock of the whole cluster, and with it every later write. A skewed but honest clock is soon caught up
    // with, so that client may try again; anything further ahead is not a clock.
    private Outcome? RefuseStamp(CausalToken token)
    {
        var nowMs = time.GetUtcNow().ToUnixTimeMilliseconds();
        // What this node's clock has reached already cannot push it, even if the wall clock was set back since.
        if (token.Stamp <= replica.Snapshot.Current.Clock || !HybridLogicalClock.IsTooFarAhead(token.Stamp, nowMs)) return null;
        var aheadMs = token.Stamp.Milliseconds - nowMs;
        return aheadMs < 60_000 ? new Outcome.ClockSkew(aheadMs) : new Outcome.StampOutOfRange(aheadMs);
    }

    private async ValueTask<Outcome?> WaitAsync(ReplicaGroup group, CausalToken token, VersionVector past, Deadline deadline)
    {
        using var place = budget.TryWait();
        if (!place.IsHeld) return new Outcome.Overloaded();
        using var span = KvTracing.IsOn ? KvTracing.CausalWait() : null;
        using var timeout = new CancellationTokenSource(deadline.Remaining(time), time);
        using var movedOn = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token);
        var moving = replica.Snapshot.WaitAsync(snapshot => HasMovedOn(snapshot, group), movedOn.Token).AsTask();
        try
        {
            if (await Task.WhenAny(floor.WaitUntilAdmittedAsync(token, movedOn.Token).AsTask(), moving) == moving) return await AnswerMovedAsync(moving);
            if (!await CoversSoonAsync(group, past, timeout.Token)) missingRecords.Ask(past.Without(replica.Snapshot.Current.Vector));
            var snapshot = await replica.Snapshot.WaitAsync(next => HasMovedOn(next, group) || Holds(next, group, past), timeout.Token);
            if (!Holds(snapshot, group, past)) return new Outcome.NotOwner(snapshot.Followed);
            timeout.Token.ThrowIfCancellationRequested();
            metrics.CausalWaited(true);
            return null;
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            metrics.CausalWaited(false);
            span?.Fail("The past did not come in time.");
            return new Outcome.DependenciesMissing(group.Shard, past.Join(floor.Needed).Without(replica.Snapshot.Current.Vector));
        }
        finally
        {
            movedOn.Cancel();
        }

        static async Task<Outcome> AnswerMovedAsync(Task<ReplicaSnapshot> moved) => new Outcome.NotOwner((await moved).Followed);
    }

    private static bool Holds(ReplicaSnapshot snapshot, ReplicaGroup group, VersionVector past) => snapshot.Place == group && snapshot.Vector.Covers(past);

    // A reshard has ended the group, whatever the replica is now.
    private bool HasMovedOn(ReplicaSnapshot snapshot, ReplicaGroup group) => snapshot.Place != group && topology.Current.Layout > group.Layout && snapshot.Followed >= topology.Current.Epoch;
}
