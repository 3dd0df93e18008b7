using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Observation;
using Kv.Node.Requests;
using Kv.Node.Telemetry;

namespace Kv.Node.Rest;

/// <summary>
/// <c>/key-value-store-view/events</c> as server-sent events (WHATWG HTML, section 9.2): <c>happening</c>, <c>status</c>, <c>ring</c>, <c>end</c>. Nothing is queued for a subscriber: whoever reads
/// slowly is sent, when it has read, what is the case then, and the events that are still remembered; whoever does not read gives its place to others.
/// </summary>
internal sealed class EventStream(
    Observatory observatory, ObservationOptions options, RestOptions rest, TimeProvider time, KvMetrics metrics, RequestIntake intake, IHostApplicationLifetime lifetime)
{
    public const string Path = "/key-value-store-view/events";

    private static readonly JsonWriterOptions JsonOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    private readonly Bound _subscribers = new(options.MaxSubscribers);
    private readonly long _statusEvery = Looks(options.StatusInterval, options);
    private readonly long _commentEvery = Looks(options.KeepAliveInterval, options);

    public async Task ServeAsync(HttpContext context)
    {
        using var place = Place.Of(_subscribers);
        if (!place.IsHeld)
        {
            metrics.Shed("subscribers");
            await RestErrors.WriteAsync(context, Problems.TooManySubscribers, 5);
            return;
        }

        var events = new ServerSentEvents(context, rest, time);
        events.Begin();
        var key = StandingKey.Of(context);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, intake.Closed, lifetime.ApplicationStopping, key?.Lost ?? default);
        try
        {
            await SendAsync(context, events, end.Token);
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
        }

        if (events.IsLate) metrics.Shed("subscribers");
        if (context.RequestAborted.IsCancellationRequested) return;
        var farewell = new ArrayBufferWriter<byte>();
        Write(farewell, null, "end", key?.Refusal?.Title ?? Problems.NodeStopping.Title, static (json, reason) => json.WriteString("reason", reason));
        events.Write(farewell.WrittenSpan);
        await events.FlushAsync(end.Token);
    }

    private async Task SendAsync(HttpContext context, ServerSentEvents events, CancellationToken end)
    {
        var wantsStatus = context.Request.Query["status"] != "off";
        var cursor = observatory.Observed.Current.Events.NumberOf(LastIdOf(context.Request));
        (int, OperationId)? ring = null;
        var page = new ArrayBufferWriter<byte>(4096);
        var isDue = new Due(wantsStatus ? _statusEvery : _commentEvery);
        while (true)
        {
            // 1. Wait for an event, or for the time to say something.
            var seen = cursor;
            var now = await observatory.Observed.WaitAsync(next => next.Status is not null && (next.Events.Last > seen || isDue.At(next.Looks)), end);

            // 2. What has happened, then what is the case, so that whoever has the one also has the other.
            foreach (var (id, happening) in now.Events.After(cursor)) Write(page, id, "happening", happening, WriteHappening);
            cursor = now.Events.Last;
            var topology = now.Status!.Topology;
            if (wantsStatus && ring != RingOf(topology))
            {
                ring = RingOf(topology);
                Write(page, null, "ring", topology, StatusJson.WriteRing);
            }

            if (wantsStatus) Write(page, null, "status", now.Status, StatusJson.Write);
            else if (page.WrittenCount == 0) page.Write(": \n\n"u8);

            // 3. Send, at the pace of whoever reads.
            events.Write(page.WrittenSpan);
            page.ResetWrittenCount();
            await events.FlushAsync(end);
            isDue.After(now.Looks);
        }
    }

    private static string? LastIdOf(HttpRequest request) =>
        request.Headers["Last-Event-ID"] is [{ Length: > 0 } header] ? header : request.Query["last-event-id"].ToString();

    private static (int Layout, OperationId Reshard) RingOf(ClusterTopology topology) => (topology.Layout, topology.Transition?.Id ?? default);

    private static void WriteHappening(Utf8JsonWriter json, Happening happening)
    {
        json.WriteNumber("unix-ms", happening.At.ToUnixTimeMilliseconds());
        json.WriteString("kind", happening.Kind);
        json.WriteString("text", happening.Text);
        if (happening.Node is { } node) json.WriteString("socket-address", node);
    }

    // JSON has no line ends outside of strings, and in strings it escapes them: one data line is enough.
    private static void Write<T>(ArrayBufferWriter<byte> page, string? id, string name, T state, Action<Utf8JsonWriter, T> write)
    {
        if (id is not null) page.Write(Encoding.ASCII.GetBytes($"id: {id}\n"));
        page.Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"event: {name}\ndata: ")));
        using (var json = new Utf8JsonWriter(page, JsonOptions))
        {
            json.WriteStartObject();
            write(json, state);
            json.WriteEndObject();
        }

        page.Write("\n\n"u8);
    }

    private static long Looks(TimeSpan interval, ObservationOptions options) => Math.Max(1, (long)Math.Round(interval / options.LookInterval));

    /// <summary>Counts in looks; the first is due at once.</summary>
    private sealed class Due(long every)
    {
        private long _next;

        public bool At(long look) => look >= _next;

        public void After(long look) => _next = look + every;
    }
}
