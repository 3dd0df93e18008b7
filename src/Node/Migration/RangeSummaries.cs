using Kv.Common.Topology;
using Kv.Node.Replica;
using Kv.Node.Storage;

namespace Kv.Node.Migration;

/// <summary>
/// What this replica has in some ranges of the ring: of whole arcs from what is kept of them, of smaller pieces by reading them. At least as new as the last commit before the
/// question.
/// </summary>
internal static class RangeSummaries
{
    /// <summary>One for each of <paramref name="ranges"/>.</summary>
    public static async ValueTask<RangeSummary[]> OfAsync(ReplicaState replica, IReadOnlyList<RingRange> ranges)
    {
        var whole = await replica.SummarizeAsync([.. ranges.Where(IsOfWholeArcs).SelectMany(ArcsOf)]);
        return [.. ranges.Select(range => Of(range, whole, replica))];
    }

    /// <summary>A range in pieces of equal length, as far as it can be divided.</summary>
    public static IEnumerable<RingRange> Split(RingRange range, int pieces)
    {
        var length = Math.Max(1, ((range.Last - range.First) / (ulong)pieces) + 1);
        for (var first = range.First; ; first += length)
        {
            var isLast = range.Last - first < length;
            yield return RingRange.Between(first, isLast ? range.Last : first + (length - 1));
            if (isLast) yield break;
        }
    }

    private static RangeSummary Of(RingRange range, IReadOnlyDictionary<int, ArcSummary> whole, ReplicaState replica)
    {
        var sum = IsOfWholeArcs(range) ? ArcsOf(range).Aggregate(default(ArcSummary), (sum, arc) => sum + whole[arc]) : ArcSummary.Of(replica.Scan(range));
        return new(sum.LiveKeys + sum.Tombstones, sum.Digest);
    }

    private static bool IsOfWholeArcs(RingRange range) =>
        HashRing.RangeOfArc(HashRing.ArcOf(range.First)).First == range.First && HashRing.RangeOfArc(HashRing.ArcOf(range.Last)).Last == range.Last;

    private static IEnumerable<int> ArcsOf(RingRange range)
    {
        var first = HashRing.ArcOf(range.First);
        return Enumerable.Range(first, HashRing.ArcOf(range.Last) - first + 1);
    }
}
