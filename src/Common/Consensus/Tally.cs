using System.Collections.Immutable;
using System.Numerics;

namespace Kv.Common.Consensus;

/// <summary>
/// Which entries of a list of acceptors have spoken, each counted once, nobody else counted. Any two quorums of one list share an entry. Immutable; equal
/// for the same list with the same entries counted.
/// </summary>
internal readonly record struct Tally
{
    private readonly ImmutableArray<Acceptor> _entries;

    // One bit per entry. The provisional topology has an entry for every node of VIEW, so there is no small bound.
    private readonly BigInteger _counted;

    private Tally(ImmutableArray<Acceptor> entries, BigInteger counted)
    {
        _entries = entries;
        _counted = counted;
    }

    /// <summary>Nobody has spoken.</summary>
    public static Tally Of(ImmutableArray<Acceptor> entries) => new(entries, BigInteger.Zero);

    /// <summary>True when more than half of the entries have spoken.</summary>
    public bool IsQuorum => BigInteger.PopCount(_counted) > _entries.Length / 2;

    /// <summary>The entries that have not spoken, in their order.</summary>
    public ImmutableArray<Acceptor> Missing
    {
        get
        {
            var counted = _counted;
            return [.. _entries.Where((_, index) => (counted >> index).IsEven)];
        }
    }

    /// <summary>The same when <paramref name="node"/> has no entry, or its entry has spoken.</summary>
    public Tally With(Acceptor node)
    {
        for (var index = 0; index < _entries.Length; index++)
        {
            if (_entries[index].StandsFor(node)) return new(_entries, _counted | (BigInteger.One << index));
        }

        return this;
    }
}
