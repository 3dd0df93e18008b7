using System.Diagnostics;

namespace Kv.Node.Telemetry;

/// <summary>
/// The spans of a node. The source is the process's, as .NET has it, and holds no state; which of several nodes in one process made a span is in its tag <see cref="NodeTag"/>. While nobody listens,
/// a span costs a look at a field and is null.
/// </summary>
internal static class KvTracing
{
    public const string SourceName = "Kv.Node";

    /// <summary>The address of the node that took a request in.</summary>
    public const string NodeTag = "kv.node";

    private static readonly ActivitySource Source = new(SourceName);

    /// <summary>False while nobody listens: then nothing needs to be prepared for a span.</summary>
    public static bool IsOn => Source.HasListeners();

    /// <summary>A client's request; <paramref name="parent"/> is the client's, if it said one.</summary>
    public static Activity? Request(string name, ActivityContext parent) => Source.StartActivity(name, ActivityKind.Server, parent);

    /// <summary>A request on its way to a replica elsewhere and back.</summary>
    public static Activity? Forward(string operation) => Source.StartActivity($"forward {operation}", ActivityKind.Client);

    /// <summary>A request that a peer forwarded; <paramref name="parent"/> is the peer's <see cref="Forward"/>.</summary>
    public static Activity? Serve(string operation, ActivityContext parent) => Source.StartActivity($"serve {operation}", ActivityKind.Server, parent);

    /// <summary>Waiting for what the client has seen.</summary>
    public static Activity? CausalWait() => Source.StartActivity("causal wait");

    /// <summary>A write from the writer's mailbox to durable; links to the group commit that it was part of.</summary>
    public static Activity? Commit() => Source.StartActivity("commit");

    /// <summary>One batch and one sync, which belong to many requests: a trace of its own that links to the <see cref="Commit"/> of each. None when none of them is traced.</summary>
    public static Activity? GroupCommit(IEnumerable<ActivityContext> commits)
    {
        var links = commits.Where(commit => commit != default).Select(commit => new ActivityLink(commit)).ToList();
        return links.Count == 0 ? null : Source.StartActivity("group commit", ActivityKind.Internal, default(ActivityContext), links: links);
    }

    /// <summary>Waiting until enough replicas hold a write durably; each one that says so is an event.</summary>
    public static Activity? ReplicationWait() => Source.StartActivity("replication wait");

    /// <summary>The W3C form of a context that came over a wire; none when it cannot be read, as W3C has it.</summary>
    public static ActivityContext Parse(string? traceParent, string? traceState) =>
        !string.IsNullOrEmpty(traceParent) && ActivityContext.TryParse(traceParent, traceState, isRemote: true, out var context) ? context : default;

    /// <summary>The W3C <c>traceparent</c> of a context.</summary>
    public static string Format(ActivityContext context) => $"00-{context.TraceId}-{context.SpanId}-{(context.TraceFlags.HasFlag(ActivityTraceFlags.Recorded) ? "01" : "00")}";

    /// <summary>A span that ended without what it was for.</summary>
    public static void Fail(this Activity span, string why) => span.SetStatus(ActivityStatusCode.Error, why);
}
