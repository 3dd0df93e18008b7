using Kv.Common.Causality;
using Kv.Common.Identity;

namespace Kv.Common.Replication;

/// <summary>
/// Puts records into causal order (Birman, Schiper, Stephenson, 1991, with explicit dependencies): a record is ready when every earlier write of its origin and
/// every dependency in its own replica group is covered. What comes early waits here; what is repeated is dropped. Dependencies on other groups do
/// not hold a record back: readers carry them in their tokens.
/// </summary>
public sealed class CausalInbox
{
    // Per origin, by the sequence each passage ends with. Only the head of each origin can be ready, so a pass looks at one passage per origin.
    private readonly SortedDictionary<Origin, SortedDictionary<ulong, Passage>> _waiting = [];

    /// <summary>How many passages wait for something earlier.</summary>
    public int Count { get; private set; }

    /// <summary>Takes a passage in; false when it is already covered or already waits.</summary>
    public bool Add(Passage passage, VersionVector applied)
    {
        if (passage.Record is not { } record || passage.After + 1 >= passage.Through.Sequence) return Enqueue(passage, applied);
        // The gap before a record does not wait with it: the record may depend on one of another origin that depends on a write in the gap.
        Enqueue(new(passage.Through with { Sequence = passage.Through.Sequence - 1 }, passage.After, null), applied);
        return Enqueue(Passage.Of(record), applied);
    }

    /// <summary>Takes out one passage that is ready on top of <paramref name="applied"/>, or null when none is.</summary>
    public Passage? TakeReady(VersionVector applied)
    {
        if (Count == 0) return null;
        foreach (var (origin, queue) in _waiting)
        {
            var reached = applied[origin];
            while (queue.Count > 0 && queue.First().Key <= reached) Remove(origin, queue, queue.First().Key);
            if (queue.Count == 0) return TakeReady(applied);
            var head = queue.First().Value;
            if (!IsReady(head, applied)) continue;
            Remove(origin, queue, head.Through.Sequence);
            return head;
        }

        return null;
    }

    /// <summary>What waits for what: the least vector that, once covered, releases the head of every origin.</summary>
    public VersionVector Missing(VersionVector applied)
    {
        var needed = VersionVector.Empty;
        foreach (var (_, queue) in _waiting)
        {
            if (queue.Count == 0) continue;
            var head = queue.First().Value;
            if (head.After > 0) needed = needed.With(head.Through with { Sequence = head.After });
            foreach (var dot in head.Record?.OpenedToken.Dependencies ?? VersionVector.Empty)
            {
                if (IsAwaited(dot, head)) needed = needed.With(dot);
            }
        }

        return needed.Without(applied);
    }

    /// <summary>True when <paramref name="passage"/>, which is not covered, may be applied on top of <paramref name="applied"/>.</summary>
    public static bool IsReady(Passage passage, VersionVector applied)
    {
        if (applied[passage.Through.Origin] < passage.After) return false;
        if (passage.Record is not { } record) return true;
        foreach (var dot in record.OpenedToken.Dependencies)
        {
            if (IsAwaited(dot, passage) && !applied.Covers(dot)) return false;
        }

        return true;
    }

    // The origin's own entry names this very write; its predecessors are covered by the check of the sequence.
    private static bool IsAwaited(Dot dot, Passage passage) => dot.Origin.Group == passage.Through.Origin.Group && dot.Origin != passage.Through.Origin;

    private bool Enqueue(Passage passage, VersionVector applied)
    {
        var (origin, sequence) = passage.Through;
        if (applied.Covers(passage.Through)) return false;
        if (!_waiting.TryGetValue(origin, out var queue)) _waiting[origin] = queue = [];
        if (!queue.TryAdd(sequence, passage)) return false;
        Count++;
        return true;
    }

    private void Remove(Origin origin, SortedDictionary<ulong, Passage> queue, ulong sequence)
    {
        if (!queue.Remove(sequence)) return;
        Count--;
        if (queue.Count == 0) _waiting.Remove(origin);
    }
}
