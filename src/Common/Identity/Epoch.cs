using System.Globalization;

namespace Kv.Common.Identity;

/// <summary>
/// The number of a topology: one topology per epoch, each epoch the successor of one other. The high 32 bits are its generation, which an operator raises
/// who recovers a cluster by force: whatever those who were given up decided among themselves, its epoch is lower.
/// </summary>
public readonly record struct Epoch(ulong Value) : IComparable<Epoch>
{
    /// <summary>The epoch of the topology that VIEW and SHARD_COUNT give, before any change was decided.</summary>
    public static readonly Epoch First = new(1);

    public Epoch Next => new(Value + 1);

    /// <summary>The first epoch of the next generation.</summary>
    public Epoch NextGeneration => new(((Value >> 32) + 1) << 32);

    public int CompareTo(Epoch other) => Value.CompareTo(other.Value);

    public static bool operator <(Epoch left, Epoch right) => left.Value < right.Value;
    public static bool operator >(Epoch left, Epoch right) => left.Value > right.Value;
    public static bool operator <=(Epoch left, Epoch right) => left.Value <= right.Value;
    public static bool operator >=(Epoch left, Epoch right) => left.Value >= right.Value;

    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
