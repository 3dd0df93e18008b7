using System.Globalization;

namespace Kv.Common.Identity;

/// <summary>The number of a shard as clients see it: "0", "1", …</summary>
public readonly record struct ShardId(int Value) : IComparable<ShardId>
{
    public int CompareTo(ShardId other) => Value.CompareTo(other.Value);

    /// <summary>Accepts only the canonical decimal form that <see cref="ToString"/> writes.</summary>
    public static bool TryParse(string? text, out ShardId shard)
    {
        var ok = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value);
        shard = new(value);
        return ok && shard.ToString() == text;
    }

    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
