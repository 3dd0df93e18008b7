using Kv.Common.Identity;
using Kv.Common.Topology;
using Kv.Node.Storage;

namespace Kv.Node.Replica;

/// <summary>How many live keys each arc of the ring has here, so that counts stay exact whatever ranges come and go. The writer's own.</summary>
internal sealed class ArcCounts
{
    private readonly Dictionary<int, long> _live;
    private Dictionary<int, long> _changed = [];

    public ArcCounts(IStorageEngine storage) => _live = new(storage.ReadCounts());

    public void Add(int arc, int change)
    {
        if (change == 0) return;
        Set(arc, _live.GetValueOrDefault(arc) + change);
    }

    /// <summary>The arcs that hold something and do not satisfy <paramref name="isKept"/> are empty from now on.</summary>
    public void KeepOnly(Func<int, bool> isKept)
    {
        foreach (var arc in _live.Keys.Where(arc => !isKept(arc)).ToList()) Set(arc, 0);
    }

    public long Of(HashRing ring, ShardId shard) => _live.Sum(count => ring.OwnerOfArc(count.Key) == shard ? count.Value : 0);

    /// <summary>What changed since the last call.</summary>
    public IReadOnlyDictionary<int, long> TakeChanges()
    {
        var changes = _changed;
        if (changes.Count > 0) _changed = [];
        return changes;
    }

    private void Set(int arc, long keys)
    {
        if (keys == 0) _live.Remove(arc);
        else _live[arc] = keys;
        _changed[arc] = keys;
    }
}
