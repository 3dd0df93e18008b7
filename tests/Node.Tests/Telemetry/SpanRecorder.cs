using System.Collections.Concurrent;
using System.Diagnostics;
using Kv.Node.Telemetry;
using Kv.TestSupport;

namespace Kv.Node.Tests.Telemetry;

/// <summary>Listens to every node of this process, and tells the spans of one trace from those of other tests.</summary>
internal sealed class SpanRecorder : IDisposable
{
    private readonly ConcurrentQueue<Activity> _ended = new();
    private readonly ActivityListener _listener;

    public SpanRecorder()
    {
        _listener = new()
        {
            ShouldListenTo = source => source.Name == KvTracing.SourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = _ended.Enqueue,
        };
        ActivitySource.AddActivityListener(_listener);
    }

    public ActivityTraceId Trace { get; } = ActivityTraceId.CreateRandom();

    public ActivitySpanId Client { get; } = ActivitySpanId.CreateRandom();

    /// <summary>What a client sends as <c>traceparent</c>.</summary>
    public string TraceParent => $"00-{Trace}-{Client}-01";

    public IReadOnlyList<Activity> All => [.. _ended];

    public IReadOnlyList<Activity> OfTrace => [.. _ended.Where(span => span.TraceId == Trace)];

    /// <summary>The spans of the trace, once the first one has ended.</summary>
    public async Task<IReadOnlyList<Activity>> WholeAsync() =>
        await Eventually.Async(() => Task.FromResult(OfTrace), spans => spans.Any(span => span.ParentSpanId == Client), TimeSpan.FromSeconds(10), "the request's span has ended");

    public void Dispose() => _listener.Dispose();
}
