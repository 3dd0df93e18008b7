using Kv.Common.Causality;
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
    /// <summary>Null when the request may go on, else the outcome to answer with.</summary>
    public ValueTask<Outcome?> PassAsync(CausalToken token, Deadline deadline)
    {
        if (RefuseStamp(token) is { } refused) return new(refused);
        var past = token.Dependencies.Of(replica.Shard);
        if (floor.IsPassed && replica.Snapshot.Current.Vector.Covers(past)) return default;
        return WaitAsync(past, deadline.Earlier(Deadline.In(options.CausalWait, time)));
    }

    // A stamp from the future could push the clock of the whole cluster, and with it every later write. A skewed but honest clock is soon caught up
    // with, so that client may try again; anything further ahead is not a clock.
    private Outcome? RefuseStamp(CausalToken token)
    {
        var nowMs = time.GetUtcNow().ToUnixTimeMilliseconds();
        if (!HybridLogicalClock.IsTooFarAhead(token.Stamp, nowMs)) return null;
        var aheadMs = token.Stamp.Milliseconds - nowMs;
        return aheadMs < 60_000 ? new Outcome.ClockSkew(aheadMs) : new Outcome.StampOutOfRange(aheadMs);
    }

    private async ValueTask<Outcome?> WaitAsync(VersionVector past, Deadline deadline)
    {
        using var timeout = new CancellationTokenSource(deadline.Remaining(time), time);
        try
        {
            await floor.WaitUntilPassedAsync(timeout.Token);
            var missing = past.Without(replica.Snapshot.Current.Vector);
            if (!missing.IsEmpty) missingRecords.Ask(missing);
            await replica.Snapshot.WaitAsync(snapshot => snapshot.Vector.Covers(past), timeout.Token);
            metrics.CausalWaited(true);
            return null;
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            metrics.CausalWaited(false);
            return new Outcome.DependenciesMissing(replica.Shard, past.Join(floor.Needed).Without(replica.Snapshot.Current.Vector));
        }
    }
}
