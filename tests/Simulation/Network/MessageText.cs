using Kv.Common.Replication;
using Kv.Node.Migration;
using Kv.Node.Replication;
using Kv.Node.Requests;

namespace Kv.Simulation.Network;

/// <summary>Messages as a trace shows them.</summary>
internal static class MessageText
{
    /// <summary>Null for what would only fill the trace: heartbeats.</summary>
    public static string? Of(object message) => message switch
    {
        RecordBatch { Passages.Count: > 0 } batch => $"records {string.Join(", ", batch.Passages.Select(Of))}",
        Acknowledgement acknowledgement => $"acknowledgement {acknowledgement.Vector}",
        FetchRequest fetch => $"fetch {fetch.Want} of {fetch.Place}, has {fetch.Have}",
        TransferRequest transfer => $"transfer of {transfer.Kind} of {transfer.Source} since epoch {transfer.Epoch}, has {transfer.Have}",
        TransferPiece.Differences differences => $"{differences.All.Count} differences",
        TransferPiece.Entries entries => $"{entries.All.Count} entries",
        TransferPiece.Cut cut => $"cut {cut.Vector}",
        TransferPiece.Records records => $"transferred {string.Join(", ", records.All.Select(r => $"{r.Dot} of {r.Key}"))}",
        TransferPiece.End end => $"end of the transfer of {end.Count}",
        ForwardBatch batch => $"requests {string.Join(", ", batch.Requests.Select(r => $"{r.Id} {r.Operation} {r.Key}"))}",
        ForwardReplyBatch batch => $"replies {string.Join(", ", batch.Replies.Select(r => $"{r.Id} {r.Outcome.GetType().Name}"))}",
        _ => null,
    };

    private static string Of(Passage passage) => passage.Record is { } record ? $"{record.Dot} of {record.Key}" : $"nothing through {passage.Through}";
}
