using System.Collections.Immutable;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Replication;
using Kv.Common.Topology;
using Kv.Node.Peers;
using Kv.Node.Replica;

namespace Kv.Node.Migration;

/// <summary>
/// The asking side of a comparison with another replica. Every answer is whole, or null: the other one refused, was silent for longer than
/// <see cref="MigrationOptions.AnswerTimeout"/>, or its clock is too far ahead.
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
        var cut = await AskAsync(
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
        return cut is null ? null : (cut, found);
    }

    /// <summary>What is there, record by record, as positions and digests.</summary>
    public async Task<List<RangeEntry>?> EntriesAsync(
        NodeAddress donor, Epoch epoch, ReplicaGroup group, VersionVector have, IReadOnlyList<RingRange> ranges, CancellationToken cancellation)
    {
        var entries = new List<RangeEntry>();
        var cut = await AskAsync(
            donor,
            new(epoch, group, have, [.. ranges]) { Kind = TransferKind.Entries },
            piece =>
            {
                if (piece is TransferPiece.Entries some) entries.AddRange(some.All);
            },
            end => end.Count == entries.Count,
            cancellation);
        return cut is null ? null : entries;
    }

    /// <summary>The records that are there, all of them in memory: for few and small ranges.</summary>
    public async Task<List<WriteRecord>?> RecordsAsync(
        NodeAddress donor, Epoch epoch, ReplicaGroup group, VersionVector have, ImmutableArray<RingRange> ranges, CancellationToken cancellation)
    {
        var all = new List<WriteRecord>();
        var digest = new TransferDigest();
        var cut = await AskAsync(
            donor,
            new(epoch, group, have, ranges),
            piece =>
            {
                if (piece is not TransferPiece.Records records) return;
                all.AddRange(records.All);
                foreach (var record in records.All) digest.Add(record);
            },
            digest.Equals,
            cancellation);
        return cut is null ? null : all;
    }

    // The cut, when the answer came to its end and all of it is here.
    private async Task<VersionVector?> AskAsync(NodeAddress donor, TransferRequest request, Action<TransferPiece> take, Func<TransferPiece.End, bool> isWhole, CancellationToken cancellation)
    {
        using var silence = new CancellationTokenSource(options.AnswerTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, silence.Token);
        VersionVector? cut = null;
        try
        {
            await foreach (var piece in transport.TransferAsync(donor, request, either.Token))
            {
                silence.CancelAfter(options.AnswerTimeout);
                if (piece is TransferPiece.Cut told)
                {
                    if (!await replica.MeetAsync(told.Clock)) return null;
                    cut = told.Vector;
                }
                else if (piece is TransferPiece.End end) return isWhole(end) ? cut : null;
                else take(piece);
            }
        }
        catch (PeerUnavailableException unavailable)
        {
            LogBroken(logger, donor, unavailable.Message);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            LogBroken(logger, donor, "silent for too long");
        }

        return null;
    }

    [LoggerMessage(5031, LogLevel.Debug, "The comparison with {Donor} broke off: {Reason}")]
    private static partial void LogBroken(ILogger logger, NodeAddress donor, string reason);
}
