using System.Collections;
using Kv.Common.Identity;

namespace Kv.Common.Causality;

/// <summary>
/// For each origin, the highest sequence up to which every one of its writes is included (Parker et al., 1983). An immutable value: a join
/// semilattice under <see cref="Join"/>, whose order is <see cref="Covers(VersionVector)"/>. An origin that is not listed counts as zero.
/// </summary>
public sealed class VersionVector : IEquatable<VersionVector>, IReadOnlyList<Dot>
{
    public static readonly VersionVector Empty = new([]);

    private const int Handful = 8;

    // Sorted by origin, one entry each, no zero sequence: equal vectors are equal arrays.
    private readonly Dot[] _entries;

    private VersionVector(Dot[] entries) => _entries = entries;

    public int Count => _entries.Length;

    public bool IsEmpty => _entries.Length == 0;

    public Dot this[int index] => _entries[index];

    /// <summary>The highest sequence of <paramref name="origin"/> that is included, 0 if none.</summary>
    public ulong this[Origin origin]
    {
        get
        {
            var entries = _entries.AsSpan();
            // A handful is looked through; whoever sends thousands must not make every look take as many steps.
            while (entries.Length > Handful)
            {
                var middle = entries.Length / 2;
                entries = entries[middle].Origin.CompareTo(origin) > 0 ? entries[..middle] : entries[middle..];
            }

            foreach (ref readonly var entry in entries)
            {
                if (entry.Origin == origin) return entry.Sequence;
            }

            return 0;
        }
    }

    /// <summary>The least vector that covers all of <paramref name="dots"/>.</summary>
    public static VersionVector Of(params IEnumerable<Dot> dots)
    {
        var highest = new SortedDictionary<Origin, ulong>();
        foreach (var dot in dots)
        {
            if (dot.Sequence > highest.GetValueOrDefault(dot.Origin)) highest[dot.Origin] = dot.Sequence;
        }

        return highest.Count == 0 ? Empty : new([.. highest.Select(pair => new Dot(pair.Key, pair.Value))]);
    }

    /// <summary>The vector of these entries, which are in order, one for each origin, and none zero.</summary>
    internal static VersionVector OfSorted(Dot[] entries) => entries.Length == 0 ? Empty : new(entries);

    /// <summary>True when <paramref name="dot"/> is included.</summary>
    public bool Covers(Dot dot) => this[dot.Origin] >= dot.Sequence;

    /// <summary>True when everything that <paramref name="other"/> includes is included.</summary>
    public bool Covers(VersionVector other)
    {
        foreach (ref readonly var entry in other._entries.AsSpan())
        {
            if (!Covers(entry)) return false;
        }

        return true;
    }

    /// <summary>The least vector that covers this one and <paramref name="dot"/>.</summary>
    public VersionVector With(Dot dot)
    {
        if (Covers(dot)) return this;
        for (var i = 0; i < _entries.Length; i++)
        {
            if (_entries[i].Origin != dot.Origin) continue;
            var raised = (Dot[])_entries.Clone();
            raised[i] = dot;
            return new(raised);
        }

        var at = 0;
        while (at < _entries.Length && _entries[at].Origin.CompareTo(dot.Origin) < 0) at++;
        return new([.. _entries.AsSpan(0, at), dot, .. _entries.AsSpan(at)]);
    }

    /// <summary>Pointwise maximum.</summary>
    public VersionVector Join(VersionVector other)
    {
        if (Covers(other)) return this;
        if (other.Covers(this)) return other;
        var joined = new List<Dot>(_entries.Length + other._entries.Length);
        var (own, others) = (0, 0);
        while (own < _entries.Length && others < other._entries.Length)
        {
            var (mine, theirs) = (_entries[own], other._entries[others]);
            var order = mine.Origin.CompareTo(theirs.Origin);
            joined.Add(order < 0 || (order == 0 && mine.Sequence >= theirs.Sequence) ? mine : theirs);
            if (order <= 0) own++;
            if (order >= 0) others++;
        }

        return new([.. joined, .. _entries.AsSpan(own), .. other._entries.AsSpan(others)]);
    }

    /// <summary>Pointwise minimum: what both include.</summary>
    public VersionVector Meet(VersionVector other)
    {
        if (other.Covers(this)) return this;
        if (Covers(other)) return other;
        return new([.. _entries.Select(e => new Dot(e.Origin, Math.Min(e.Sequence, other[e.Origin]))).Where(e => e.Sequence > 0)]);
    }

    /// <summary>The entries of this vector that <paramref name="other"/> does not cover.</summary>
    public VersionVector Without(VersionVector other)
    {
        var kept = _entries.Count(entry => !other.Covers(entry));
        if (kept == _entries.Length) return this;
        return kept == 0 ? Empty : new([.. _entries.Where(entry => !other.Covers(entry))]);
    }

    /// <summary>The entries whose group satisfies <paramref name="condition"/>; the same object when all do.</summary>
    public VersionVector OfGroups(Func<ReplicaGroup, bool> condition)
    {
        var kept = 0;
        foreach (ref readonly var entry in _entries.AsSpan()) kept += condition(entry.Origin.Group) ? 1 : 0;
        if (kept == _entries.Length) return this;
        return kept == 0 ? Empty : new(Array.FindAll(_entries, entry => condition(entry.Origin.Group)));
    }

    public bool Equals(VersionVector? other) => other is not null && _entries.AsSpan().SequenceEqual(other._entries);

    public override bool Equals(object? obj) => Equals(obj as VersionVector);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var entry in _entries) hash.Add(entry);
        return hash.ToHashCode();
    }

    public IEnumerator<Dot> GetEnumerator() => ((IEnumerable<Dot>)_entries).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => _entries.GetEnumerator();

    public override string ToString() => $"{{{string.Join(", ", _entries)}}}";
}
