using System.Globalization;

namespace Kv.Common.Identity;

/// <summary>
/// Who a node is: a random 64-bit id made together with its data directory. A node that comes back without its data is another
/// incarnation, so nothing that was numbered or promised by the lost one can be numbered or promised twice. Zero is nobody.
/// </summary>
public readonly record struct Incarnation(ulong Value) : IComparable<Incarnation>
{
    public bool IsNone => Value == 0;

    public int CompareTo(Incarnation other) => Value.CompareTo(other.Value);

    /// <summary>Sixteen lower-case hexadecimal digits.</summary>
    public override string ToString() => Value.ToString("x16", CultureInfo.InvariantCulture);
}
