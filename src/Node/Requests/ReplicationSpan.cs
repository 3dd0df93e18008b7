using System.Diagnostics;
using Kv.Common.Identity;
using Kv.Node.Telemetry;

namespace Kv.Node.Requests;

/// <summary>What a trace shows of a write's wait for replicas: who acknowledged it, and when. Its owner's lock guards it.</summary>
internal sealed class ReplicationSpan(Activity span)
{
    // A peer acknowledges everything again with each later write.
    private readonly HashSet<NodeAddress> _told = [];

    /// <summary>Null while nobody traces.</summary>
    public static ReplicationSpan? Begin() => KvTracing.IsOn && KvTracing.ReplicationWait() is { } span ? new(span) : null;

    /// <summary>That peer holds the write durably.</summary>
    public void Acknowledged(NodeAddress peer)
    {
        if (_told.Add(peer)) span.AddEvent(new("acknowledged", tags: new() { ["kv.peer"] = peer.ToString() }));
    }

    /// <summary>The wait is over.</summary>
    public void End(bool isSatisfied, int required, int replicas)
    {
        span.SetTag("kv.replicas", replicas).SetTag("kv.required", required);
        if (!isSatisfied) span.Fail("Too few replicas hold it in time.");
        span.Dispose();
    }
}
