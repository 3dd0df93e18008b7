using System.Globalization;
using Kv.Common.Identity;

namespace Kv.Common.Causality;

/// <summary>The name of one write: the incarnation that coordinated it and its number there, counted from 1 without gaps.</summary>
public readonly record struct Dot(Incarnation Origin, ulong Sequence) : IComparable<Dot>
{
    public int CompareTo(Dot other)
    {
        var byOrigin = Origin.CompareTo(other.Origin);
        return byOrigin != 0 ? byOrigin : Sequence.CompareTo(other.Sequence);
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Origin}:{Sequence}");
}
