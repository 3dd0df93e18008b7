using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Time;
using Kv.Node.Replica;
using Kv.Node.Telemetry;

namespace Kv.Node.Requests;

/// <summary>
/// Lets a request through when this replica holds its client's past: the dots of the own shard in its token. If it does not, the missing dots are
/// asked of the peers and waited for, up to a bound.
/// </summary>
internal sealed class CausalGate(
    ReplicaState replica, ServingFloor floor, IMissingRecords missingRecords, TimeProvider time, RequestOptions options, KvMetrics metrics)
{
    /// <summary>False while this replica catches up: another one is the better address.</summary>
    public bool IsOpenTo(CausalToken token) => floor.IsUpToDate && floor.Admits(token);

    /// <summary>Null when the request may go on, else the outcome to answer with.</summary>
    public ValueTask<Outcome?> PassAsync(ShardId shard, CausalToken token, Deadline deadline)
    {
        if (RefuseStamp(token) is { } refused) return new(refused);
        var past = token.Dependencies.Of(shard);
        if (floor.Admits(token) && replica.Snapshot.Current.Vector.Covers(past)) return default;
        return WaitAsync(shard, token, past, deadline);
    }

    // Most of what is missing is on its way by broadcast; only what does not come by itself is asked for.
    private async ValueTask<bool> CoversSoonAsync(VersionVector past, CancellationToken cancellation)
    {
        using var soon = new CancellationTokenSource(options.AskAfter, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, soon.Token);
        try
        {
            await replica.Snapshot.WaitAsync(snapshot => snapshot.Vector.Covers(past), either.Token);
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

    private async ValueTask<Outcome?> WaitAsync(ShardId shard, CausalToken token, VersionVector past, Deadline deadline)
    {
        using var timeout = new CancellationTokenSource(deadline.Remaining(time), time);
        try
        {
            await floor.WaitUntilAdmittedAsync(token, timeout.Token);
            if (!await CoversSoonAsync(past, timeout.Token)) missingRecords.Ask(past.Without(replica.Snapshot.Current.Vector));
            await replica.Snapshot.WaitAsync(snapshot => snapshot.Vector.Covers(past), timeout.Token);
            metrics.CausalWaited(true);
            return null;
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            metrics.CausalWaited(false);
            return new Outcome.DependenciesMissing(shard, past.Join(floor.Needed).Without(replica.Snapshot.Current.Vector));
        }
    }
}
