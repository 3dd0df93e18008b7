using System.Collections;
using Kv.Common.Identity;

namespace Kv.Common.Causality;

/// <summary>
/// What a token depends on: for each shard, a sparse vector of the dots written there. Sparse means that entries known stable may be absent; an
/// entry that is present stands for every write of that incarnation up to it. The shard stands beside the dots so that any node can judge a token
/// without knowing which incarnation served which shard when.
/// </summary>
public sealed class Dependencies : IEquatable<Dependencies>, IReadOnlyList<(ShardId Shard, VersionVector Dots)>
{
    public static readonly Dependencies None = new([]);

    // Sorted by shard, one entry each, no empty vector.
    private readonly (ShardId Shard, VersionVector Dots)[] _shards;

    private Dependencies((ShardId, VersionVector)[] shards) => _shards = shards;

    public int Count => _shards.Length;

    public (ShardId Shard, VersionVector Dots) this[int index] => _shards[index];

    /// <summary>The dots that were written in <paramref name="shard"/>.</summary>
    public VersionVector Of(ShardId shard)
    {
        foreach (var entry in _shards)
        {
            if (entry.Shard == shard) return entry.Dots;
        }

        return VersionVector.Empty;
    }

    public Dependencies With(ShardId shard, Dot dot) => Set(shard, Of(shard).With(dot));

    public Dependencies Join(Dependencies other)
    {
        if (_shards.Length == 0) return other;
        var joined = this;
        foreach (var (shard, dots) in other._shards) joined = joined.Set(shard, joined.Of(shard).Join(dots));
        return joined;
    }

    /// <summary>Drops the entries that <paramref name="stableIn"/> says every member of that shard holds durably.</summary>
    public Dependencies Prune(Func<ShardId, VersionVector> stableIn)
    {
        var pruned = this;
        foreach (var (shard, dots) in _shards) pruned = pruned.Set(shard, dots.Without(stableIn(shard)));
        return pruned;
    }

    public bool Equals(Dependencies? other) => other is not null && _shards.AsSpan().SequenceEqual(other._shards);

    public override bool Equals(object? obj) => Equals(obj as Dependencies);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var entry in _shards) hash.Add(entry);
        return hash.ToHashCode();
    }

    public IEnumerator<(ShardId Shard, VersionVector Dots)> GetEnumerator() => ((IEnumerable<(ShardId, VersionVector)>)_shards).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => _shards.GetEnumerator();

    public override string ToString() => string.Join(" ", _shards.Select(s => $"{s.Shard}{s.Dots}"));

    private Dependencies Set(ShardId shard, VersionVector dots)
    {
        for (var i = 0; i < _shards.Length; i++)
        {
            if (_shards[i].Shard != shard) continue;
            if (ReferenceEquals(_shards[i].Dots, dots)) return this;
            if (dots.IsEmpty) return _shards.Length == 1 ? None : new([.. _shards.AsSpan(0, i), .. _shards.AsSpan(i + 1)]);
            var changed = ((ShardId, VersionVector)[])_shards.Clone();
            changed[i] = (shard, dots);
            return new(changed);
        }

        if (dots.IsEmpty) return this;
        var at = 0;
        while (at < _shards.Length && _shards[at].Shard.CompareTo(shard) < 0) at++;
        return new([.. _shards.AsSpan(0, at), (shard, dots), .. _shards.AsSpan(at)]);
    }
}
