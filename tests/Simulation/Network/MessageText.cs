using Kv.Node.Replication;
using Kv.Node.Requests;

namespace Kv.Simulation.Network;

/// <summary>Messages as a trace shows them.</summary>
internal static class MessageText
{
    /// <summary>Null for what would only fill the trace: heartbeats.</summary>
    public static string? Of(object message) => message switch
    {
        RecordBatch { Records.Count: > 0 } batch => $"records {string.Join(", ", batch.Records.Select(r => $"{r.Dot} of {r.Key}"))}",
        Acknowledgement acknowledgement => $"acknowledgement {acknowledgement.Vector}",
        FetchRequest fetch => $"fetch {fetch.Want}, has {fetch.Have}",
        ForwardBatch batch => $"requests {string.Join(", ", batch.Requests.Select(r => $"{r.Id} {r.Operation} {r.Key}"))}",
        ForwardReplyBatch batch => $"replies {string.Join(", ", batch.Replies.Select(r => $"{r.Id} {r.Outcome.GetType().Name}"))}",
        _ => null,
    };
}
