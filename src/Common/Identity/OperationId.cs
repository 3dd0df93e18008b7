using System.Globalization;

namespace Kv.Common.Identity;

/// <summary>
/// A random name of one wish to change the topology. The topology that fulfils it carries it, so whoever wished recognises it even when another node
/// finished the work, and nobody fulfils it twice.
/// </summary>
public readonly record struct OperationId(ulong Value)
{
    /// <summary>Sixteen lower-case hexadecimal digits.</summary>
    public override string ToString() => Value.ToString("x16", CultureInfo.InvariantCulture);
}
