using System.Text.RegularExpressions;

namespace Kv.Simulation.Faults;

/// <summary>Kinds of faults as they are named on the command line: <c>disk-loss</c>.</summary>
internal static partial class FaultNames
{
    public static string NameOf(FaultKind kind) => NameOf(kind.ToString());

    public static string NameOf(string kind) => WordStart().Replace(kind, "-$0").ToLowerInvariant();

    public static bool TryParse(string name, out FaultKind kind)
    {
        kind = Enum.GetValues<FaultKind>().FirstOrDefault(each => NameOf(each) == name, (FaultKind)(-1));
        return Enum.IsDefined(kind);
    }

    [GeneratedRegex("(?<!^)[A-Z]")]
    private static partial Regex WordStart();
}
