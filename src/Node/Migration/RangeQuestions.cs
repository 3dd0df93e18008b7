using System.Collections.Immutable;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Topology;
using Kv.Node.Peers;
using Kv.Node.Replica;

namespace Kv.Node.Migration;

/// <summary>
/// The asking side of a transfer or a comparison with another replica. Every answer is whole, or null: the other one refused, was silent for longer than
/// <see cref="MigrationOptions.AnswerTimeout"/>, its clock is too far ahead, or what came is not what it says it sent.
/// </summary>
internal sealed partial class RangeQuestions(ReplicaState replica, IPeerTransport transport, TimeProvider time, MigrationOptions options, ILogger<RangeQuestions> logger)
{
    /// <summary>At most so many ranges are compared by one question.</summary>
    public const int MostCompared = 1024;

    /// <summary>At most so many ranges are read by one question.</summary>
    public const int MostRead = 256;

    /// <summary>Which of <paramref name="ranges"/> differ there from here, and how many records the larger side has; with the cut that the other one held before it looked.</summary>
    public async Task<(VersionVector Cut, List<(RingRange Range, long Records)> Found)?> DifferencesAsync(
        NodeAddress donor, Epoch epoch, ReplicaGroup group, VersionVector have, IReadOnlyList<RingRange> ranges, CancellationToken cancellation)
    {
        var own = await RangeSummaries.OfAsync(replica, ranges);
        var found = new List<(RingRange, long)>();
        var answer = await AskAsync(
            donor,
            new(epoch, group, have, [.. ranges]) { Kind = TransferKind.Differences, Known = [.. own] },
            piece =>
            {
                if (piece is not TransferPiece.Differences differences) return;
                foreach (var (index, records) in differences.All.Where(difference => (uint)difference.Index < (uint)ranges.Count))
                    found.Add((ranges[index], Math.Max(records, own[index].Records)));
            },
            end => end.Count == found.Count,
            cancellation);
        return answer is null ? null : (answer.Cut, found);
    }

    /// <summary>What is there, record by record, as positions and digests.</summary>
    public async Task<List<RangeEntry>?> EntriesAsync(
        NodeAddress donor, Epoch epoch, ReplicaGroup group, VersionVector have, IReadOnlyList<RingRange> ranges, CancellationToken cancellation)
    {
        var entries = new List<RangeEntry>();
        var answer = await AskAsync(
            donor,
            new(epoch, group, have, [.. ranges]) { Kind = TransferKind.Entries },
            piece =>
            {
                if (piece is TransferPiece.Entries some) entries.AddRange(some.All);
            },
            end => end.Count == entries.Count,
            cancellation);
        return answer is null ? null : entries;
    }

    /// <summary>The first of the records that are there, about <paramref name="maxBytes"/> of them.</summary>
    public async Task<TransferPage?> RecordsAsync(
        NodeAddress donor, Epoch epoch, ReplicaGroup group, VersionVector have, ImmutableArray<RingRange> ranges, int maxBytes, CancellationToken cancellation)
    {
        var all = new List<WriteRecord>();
        var digest = new TransferDigest();
        var answer = await AskAsync(
            donor,
            new(epoch, group, have, ranges) { MaxBytes = maxBytes },
            piece =>
            {
                if (piece is not TransferPiece.Records records) return;
                all.AddRange(records.All);
                foreach (var record in records.All) digest.Add(record);
            },
            // One that came nowhere would be asked for the same again and again.
            end => digest.Equals(end) && !(end.Through < ranges[0].First),
            cancellation);
        return answer is null ? null : new(answer.Cut, all, After(answer.End.Through, ranges), answer.Took);
    }

    private static ImmutableArray<RingRange> After(ulong? through, ImmutableArray<RingRange> ranges) => through is { } position
        ? [.. ranges.Where(range => range.Last > position).Select(range => RingRange.Between(Math.Max(range.First, position + 1), range.Last))]
        : [];

    // The answer, when it came to its end and all of it is here.
    private async Task<Answer?> AskAsync(NodeAddress donor, TransferRequest request, Action<TransferPiece> take, Func<TransferPiece.End, bool> isWhole, CancellationToken cancellation)
    {
        using var silence = new CancellationTokenSource(options.AnswerTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, silence.Token);
        TransferPiece.Cut? cut = null;
        var begun = time.GetTimestamp();
        try
        {
            await foreach (var piece in transport.TransferAsync(donor, request, either.Token))
            {
                silence.CancelAfter(options.AnswerTimeout);
                switch (piece)
                {
                    case TransferPiece.Cut told:
                        (cut, begun) = (told, time.GetTimestamp());
                        break;
                    case TransferPiece.End end when cut is not null && isWhole(end):
                        var took = time.GetElapsedTime(begun);
                        if (await replica.MeetAsync(cut.Clock)) return new(cut.Vector, end, took);
                        LogBroken(logger, donor, request.Source, "its clock is too far ahead");
                        return null;
                    case TransferPiece.End:
                        LogMismatch(logger, donor, request.Source);
                        return null;
                    default:
                        take(piece);
                        break;
                }
            }
        }
        catch (PeerUnavailableException unavailable)
        {
            LogBroken(logger, donor, request.Source, unavailable.Message);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            LogBroken(logger, donor, request.Source, "silent for too long");
        }

        return null;
    }

    [LoggerMessage(5012, LogLevel.Debug, "What was asked of {Donor}, of group {Source}, broke off: {Reason}")]
    private static partial void LogBroken(ILogger logger, NodeAddress donor, ReplicaGroup source, string reason);

    [LoggerMessage(5013, LogLevel.Warning, "What {Donor} sent of group {Source} is not what it says it sent: it is asked for again")]
    private static partial void LogMismatch(ILogger logger, NodeAddress donor, ReplicaGroup source);

    private sealed record Answer(VersionVector Cut, TransferPiece.End End, TimeSpan Took);
}
