using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Storage;

namespace Kv.Node.Replica;

/// <summary>
/// What each arc of the ring comes to here, so that counts and digests stay exact whatever ranges come and go; and the sum over the arcs of the place. The writer's own.
/// </summary>
internal sealed class ArcSummaries
{
    private readonly Dictionary<int, ArcSummary> _arcs;
    private Dictionary<int, ArcSummary> _changed = [];
    private (HashRing Ring, ShardId Shard)? _place;

    /// <summary>A store from before there were digests is read through once; what that gives is stored with the next step.</summary>
    public ArcSummaries(IStorageEngine storage)
    {
        if (storage.ReadArcs() is { } stored)
        {
            _arcs = new(stored);
            return;
        }

        _arcs = [];
        foreach (var record in storage.Scan(RingRange.Whole)) Add(HashRing.ArcOf(record.Key.Position), ArcSummary.Of(record));
    }

    /// <summary>The sum over the arcs that <see cref="Follow"/> named last.</summary>
    public ArcSummary Held { get; private set; }

    /// <summary>From now on <see cref="Held"/> is of that shard's arcs on that ring; of none when there is no place.</summary>
    public void Follow(HashRing? ring, ShardId shard)
    {
        (HashRing, ShardId)? place = ring is null ? null : (ring, shard);
        if (place == _place) return;
        _place = place;
        Held = ring is null ? default : Of(ring, shard);
    }

    public void Add(int arc, ArcSummary change)
    {
        if (change != default) Set(arc, _arcs.GetValueOrDefault(arc) + change);
    }

    /// <summary>The arcs that hold something and do not satisfy <paramref name="isKept"/> are empty from now on.</summary>
    public void KeepOnly(Func<int, bool> isKept)
    {
        foreach (var arc in _arcs.Keys.Where(arc => !isKept(arc)).ToList()) Set(arc, default);
    }

    public ArcSummary Of(HashRing ring, ShardId shard) =>
        _arcs.Aggregate(default(ArcSummary), (sum, arc) => ring.OwnerOfArc(arc.Key) == shard ? sum + arc.Value : sum);

    /// <summary>What one arc comes to.</summary>
    public ArcSummary this[int arc] => _arcs.GetValueOrDefault(arc);

    /// <summary>What changed since the last call.</summary>
    public IReadOnlyDictionary<int, ArcSummary> TakeChanges()
    {
        var changes = _changed;
        if (changes.Count > 0) _changed = [];
        return changes;
    }

    private void Set(int arc, ArcSummary summary)
    {
        if (_place is var (ring, shard) && ring.OwnerOfArc(arc) == shard) Held += summary - _arcs.GetValueOrDefault(arc);
        if (summary == default) _arcs.Remove(arc);
        else _arcs[arc] = summary;
        _changed[arc] = summary;
    }
}
