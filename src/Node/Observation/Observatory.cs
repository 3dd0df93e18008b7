using Kv.Node.Signals;

namespace Kv.Node.Observation;

/// <summary>Looks at the cluster at intervals and publishes what it sees: one look for however many watch, and nobody who watches can keep it waiting.</summary>
internal sealed class Observatory
{
    private readonly ClusterStatus _status;
    private readonly ObservationOptions _options;
    private readonly TimeProvider _time;
    private readonly Chronicle _chronicle;

    public Observatory(ClusterStatus status, ObservationOptions options, TimeProvider time)
    {
        _status = status;
        _options = options;
        _time = time;
        _chronicle = new(options.ConvergencePatience);
        // Unlike an incarnation it is another one after every start.
        Observed = new(new(0, null, RecentEvents.None(time.GetUtcNow().ToUnixTimeMilliseconds().ToString("x", null), options.MaxEvents)));
    }

    public Published<Observed> Observed { get; }

    /// <summary>Looks until cancelled; a failure of its own comes out.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(_options.LookInterval, _time);
        try
        {
            do Look();
            while (await timer.WaitForNextTickAsync(cancellation));
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
    }

    private void Look()
    {
        var before = Observed.Current;
        var status = _status.Report();
        Observed.Publish(new(before.Looks + 1, status, _chronicle.Take(status).Aggregate(before.Events, (events, happening) => events.With(happening))));
    }
}
