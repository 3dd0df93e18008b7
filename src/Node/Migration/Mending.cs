using System.Collections.Immutable;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Replica;
using Kv.Node.Storage;
using Kv.Node.Telemetry;

namespace Kv.Node.Migration;

/// <summary>
/// Brings a replica up to a donor by what differs (docs/protocols/anti-entropy.md): compares digests, of arcs first and then of ever smaller pieces of those that differ, and
/// pulls only the records that are not the same. What the donor must have had and has no more, its tombstone included, is dropped: it was deleted, and the deletion
/// forgotten since.
/// </summary>
internal sealed partial class Mending(ReplicaState replica, RangeQuestions questions, KvMetrics metrics, ILogger<Mending> logger)
{
    // Below that many records a list of them is shorter than more questions.
    private const int LeafRecords = 256;
    private const int Fanout = 16;

    /// <summary>
    /// Makes some ranges hold what <paramref name="donor"/> holds, and more where this replica has what the donor has not heard of. The donor's cut when all of it is durable; null
    /// when something went wrong. <paramref name="pull"/> takes in all records of some ranges, from a donor that holds a cut.
    /// </summary>
    public async Task<VersionVector?> MendAsync(
        FillSession session,
        ReplicaGroup source,
        NodeAddress donor,
        VersionVector? least,
        ImmutableArray<RingRange> ranges,
        Func<ImmutableArray<RingRange>, VersionVector, Task<VersionVector?>> pull,
        CancellationToken cancellation)
    {
        // 1. Which arcs differ, as of which cut? The first cut is the one that counts.
        if (await DifferencesAsync([.. ranges.SelectMany(ArcsOf)], least) is not var (cut, differing)) return null;
        if (least is null && !await replica.TakeCutAsync(session, source, cut)) return null;
        var known = least ?? cut;

        // 2. Which pieces of them?
        var leaves = new List<RingRange>();
        while (differing.Count > 0)
        {
            leaves.AddRange(differing.Where(piece => piece.Records <= LeafRecords || piece.Range.First == piece.Range.Last).Select(piece => piece.Range));
            var pieces = differing.Where(piece => piece.Records > LeafRecords && piece.Range.First < piece.Range.Last).SelectMany(piece => RangeSummaries.Split(piece.Range, Fanout)).ToList();
            differing = [];
            foreach (var asked in pieces.Chunk(RangeQuestions.MostCompared))
            {
                if (await DifferencesAsync(asked, known) is not var (_, found)) return null;
                differing.AddRange(found);
            }
        }

        // 3. Which records?
        leaves.Sort((one, other) => one.First.CompareTo(other.First));
        var wanted = new List<RingRange>();
        var surplus = new List<(Key Key, Dot Dot)>();
        foreach (var asked in leaves.Chunk(RangeQuestions.MostRead))
        {
            if (await EntriesAsync(asked, known) is not { } entries) return null;
            foreach (var leaf in asked) Sift(leaf, entries, wanted, surplus);
        }

        // 4. Pull them; drop what the donor knows to be gone.
        foreach (var part in wanted.Chunk(RangeQuestions.MostRead))
        {
            if (await pull([.. part], known) is null) return null;
        }

        if (surplus.Count > 0)
        {
            if (await replica.DropAsync(session, known, surplus) is not { } dropped) return null;
            if (dropped > 0) LogDropped(logger, dropped, donor);
            metrics.Dropped(dropped);
        }

        metrics.Pulled(wanted.Count);
        return cut;

        Task<(VersionVector Cut, List<(RingRange Range, long Records)> Found)?> DifferencesAsync(IReadOnlyList<RingRange> asked, VersionVector? have) =>
            questions.DifferencesAsync(donor, session.Since, source, have ?? VersionVector.Empty, asked, cancellation);

        Task<List<RangeEntry>?> EntriesAsync(IReadOnlyList<RingRange> asked, VersionVector have) =>
            questions.EntriesAsync(donor, session.Since, source, have, asked, cancellation);
    }

    private static IEnumerable<RingRange> ArcsOf(RingRange range) =>
        Enumerable.Range(HashRing.ArcOf(range.First), HashRing.ArcOf(range.Last) - HashRing.ArcOf(range.First) + 1).Select(HashRing.RangeOfArc);

    // What is here and what is there, side by side. Where most differs, the piece as a whole is asked for.
    private void Sift(RingRange leaf, List<RangeEntry> entries, List<RingRange> wanted, List<(Key, Dot)> surplus)
    {
        var there = entries.Where(entry => leaf.Contains(entry.Position)).ToList();
        var positions = there.Select(entry => entry.Position).ToHashSet();
        var here = new HashSet<RangeEntry>();
        foreach (var record in replica.Scan(leaf))
        {
            here.Add(new(record.Key.Position, RecordDigest.Of(record)));
            if (!positions.Contains(record.Key.Position)) surplus.Add((record.Key, record.Dot));
        }

        var missing = there.Where(entry => !here.Contains(entry)).Select(entry => entry.Position).Distinct().Order().ToList();
        if (missing.Count * 2 > there.Count) wanted.Add(leaf);
        else wanted.AddRange(missing.Select(position => RingRange.Between(position, position)));
    }

    [LoggerMessage(5030, LogLevel.Information, "{Records} records of keys that {Donor} knows to be deleted were dropped")]
    private static partial void LogDropped(ILogger logger, int records, NodeAddress donor);
}
