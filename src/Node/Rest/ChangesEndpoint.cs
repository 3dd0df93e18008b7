using Kv.Common.Causality;
using Kv.Node.Changes;
using Kv.Node.Requests;
using Kv.Node.Telemetry;

namespace Kv.Node.Rest;

/// <summary>
/// GET <c>/key-value-store-changes</c>: a stream of server-sent events for as long as the client reads. Has places of its own: a feed is under way for hours, and takes nothing from the
/// requests' budget.
/// </summary>
internal sealed class ChangesEndpoint
{
    private readonly ChangeFeeds _feeds;
    private readonly CausalTokenCodec _tokens;
    private readonly RequestOptions _options;
    private readonly RestOptions _rest;
    private readonly TimeProvider _time;
    private readonly KvMetrics _metrics;
    private readonly RequestIntake _intake;
    private readonly IHostApplicationLifetime _lifetime;
    private readonly Bound _places;

    public ChangesEndpoint(
        ChangeFeeds feeds,
        CausalTokenCodec tokens,
        RequestOptions options,
        RestOptions rest,
        ChangesOptions changes,
        TimeProvider time,
        KvMetrics metrics,
        RequestIntake intake,
        IHostApplicationLifetime lifetime)
    {
        (_feeds, _tokens, _options, _rest, _time, _metrics, _intake, _lifetime) = (feeds, tokens, options, rest, time, metrics, intake, lifetime);
        _places = new(changes.MaxFeeds);
        metrics.Observe("kv.changes.feeds", "{feed}", "Change feeds that this node serves.", () => _places.Used);
    }

    public async Task GetAsync(HttpContext context)
    {
        // 1. Check.
        using var place = Place.Of(_places);
        if (!place.IsHeld)
        {
            _metrics.Shed("feeds");
            await RestErrors.WriteOverloadedAsync(context);
            return;
        }

        if (ChangesRequest.Read(context.Request, _tokens, _options.MaxKeyCharacters, out var error) is not { } request)
        {
            await RestErrors.WriteAsync(context, StatusCodes.Status400BadRequest, error);
            return;
        }

        // 2. Open: what is wrong by then is still an answer like any other.
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _intake.Closed, _lifetime.ApplicationStopping);
        await using var feed = _feeds.Feed(request.Prefix, request.Start);
        var opening = await feed.OpenAsync(end.Token);
        if (opening is not FeedOpening.Open)
        {
            await WriteRefusalAsync(context, opening);
            return;
        }

        // 3. Tell.
        await ServeAsync(context, feed, request.Prefix, StandingKey.Of(context), end.Token);
    }

    private async Task ServeAsync(HttpContext context, ChangeFeed feed, ReadOnlyMemory<byte> prefix, StandingKey? key, CancellationToken stop)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, key?.Lost ?? default);
        var end = either.Token;
        var events = new ServerSentEvents(context, _rest, _time);
        var stream = new ChangesStream(events, _tokens, prefix);
        stream.Begin();
        var reason = "client";
        try
        {
            await stream.WriteAsync(feed.RunAsync(end), end);
            reason = "reset";
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            if (key?.Refusal is { } refusal)
            {
                reason = "key";
                await stream.RefuseAsync(refusal, end);
                return;
            }

            // The node stops; the client finds another one, or this one again.
            reason = "stopping";
            await stream.EndAsync(end);
        }
        finally
        {
            _metrics.FeedEnded(events.IsLate ? "slow" : reason);
        }
    }

    private static Task WriteRefusalAsync(HttpContext context, FeedOpening opening) => opening switch
    {
        FeedOpening.Forgotten => RestErrors.WriteAsync(context, Problems.ResumePointTooOld),
        FeedOpening.PastMissing => RestErrors.WriteAsync(context, Problems.DependenciesMissing, 1),
        FeedOpening.Unavailable => RestErrors.WriteAsync(context, Problems.ShardUnavailable, 1),
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}
