using System.Globalization;

namespace Kv.Common.Identity;

/// <summary>Names one cluster; every token, data directory and peer message carries it, and foreign ones are refused.</summary>
public readonly record struct ClusterId(ulong Value)
{
    /// <summary>Sixteen lower-case hexadecimal digits.</summary>
    public override string ToString() => Value.ToString("x16", CultureInfo.InvariantCulture);
}
