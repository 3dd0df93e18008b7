using Kv.Common.Membership;
using Kv.Node.Membership;
using Kv.Node.Replica;
using Kv.Node.Requests;
using Kv.Node.Signals;

namespace Kv.Node.Hosting.Drain;

/// <summary>
/// Ends a node's work so that nobody notices: whoever watches its readiness has gone elsewhere before a request would fail, and the peers know before they would have to find out.
/// 1. Say so, and go on serving for a while. 2. Take nothing new, and finish what is under way. 3. See that somebody else holds the own writes. 4. Say that it is over.
/// </summary>
internal sealed partial class Draining(
    Readiness readiness,
    RequestIntake intake,
    ForwardedRequests forwarded,
    Departure departure,
    Handover handover,
    Published<MembershipView> membership,
    DrainOptions options,
    TimeProvider time,
    ILogger<Draining> logger)
{
    // How long a peer's request may be on its way that it sent before it heard that this node is gone.
    private static readonly TimeSpan OnTheWay = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(10);

    private volatile bool _hasBegun;

    /// <summary>True once the node was told to end.</summary>
    public bool HasBegun => _hasBegun;

    /// <summary>Completes when the node may end: all is done, the limit has passed, or <paramref name="hurry"/> is requested.</summary>
    public async Task RunAsync(CancellationToken hurry)
    {
        _hasBegun = true;
        using var limit = new CancellationTokenSource(options.Limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(hurry, limit.Token);
        var stop = either.Token;
        LogBegun(logger, options.Grace.TotalSeconds, options.Limit.TotalSeconds);
        try
        {
            // 1. It is not ready any more, and leaves the view. The streams to the peers stay: they still send what they have nobody else for.
            readiness.End("Draining");
            intake.BeginLeaving();
            departure.Announce(DepartureStage.Leaving);
            if (membership.Current.LiveMembers.Length > 1) await Task.Delay(options.Grace, time, stop);

            // 2. Both ways: what clients asked here may be under way to other nodes, what others forwarded here is under way too.
            intake.Close();
            await UntilAsync(IsIdle, stop);

            // 3. After the last own write.
            await UntilAsync(() => !handover.IsOwed, stop);

            // 4. Only now do the peers hold it dead, for until now it answered them. What they sent before they knew is told to go elsewhere.
            departure.Announce(DepartureStage.Gone);
            await UntilAsync(DoAllKnow, stop);
            await Task.Delay(OnTheWay, time, stop);
            await UntilAsync(IsIdle, stop);
            LogDone(logger);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            intake.Close();
            departure.Announce(DepartureStage.Gone);
            LogCutShort(logger, hurry.IsCancellationRequested ? "it was told to hurry" : "Drain:Limit has passed", intake.UnderWay, forwarded.Unanswered, handover.IsOwed);
        }
    }

    private bool IsIdle() => intake.UnderWay == 0 && forwarded.Unanswered == 0;

    private bool DoAllKnow() => membership.Current.Peers.All(peer => !peer.IsReachable || departure.Current.Current.Heard.Contains(peer.Address));

    private async Task UntilAsync(Func<bool> condition, CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (!condition()) await timer.WaitForNextTickAsync(cancellation);
    }

    [LoggerMessage(1040, LogLevel.Information, "Draining: not ready from now on; requests are taken for {GraceSeconds:0.#} s more, and all ends within {LimitSeconds:0.#} s")]
    private static partial void LogBegun(ILogger logger, double graceSeconds, double limitSeconds);

    [LoggerMessage(1041, LogLevel.Information, "Drained: nothing is under way, and the peers know")]
    private static partial void LogDone(ILogger logger);

    [LoggerMessage(
        1042, LogLevel.Warning, "Draining was cut short, because {Why}: {Clients} requests of clients and {Peers} of peers are under way; own writes that nobody else holds: {Owed}")]
    private static partial void LogCutShort(ILogger logger, string why, long clients, long peers, bool owed);
}
