using System.Globalization;
using Kv.Common.Identity;

namespace Kv.Common.Causality;

/// <summary>The name of one write: the origin that coordinated it and its number there, counted from 1 without gaps.</summary>
public readonly record struct Dot(Origin Origin, ulong Sequence) : IComparable<Dot>
{
    public int CompareTo(Dot other)
    {
        var byOrigin = Origin.CompareTo(other.Origin);
        return byOrigin != 0 ? byOrigin : Sequence.CompareTo(other.Sequence);
    }

    /// <summary>As in <c>5f0c2a7b91e4d386@0.1:17</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Origin}:{Sequence}");
}
