using System.Globalization;
using System.IO.Hashing;
using System.Text;
using Kv.Common.Identity;
using Kv.Common.Topology;

namespace Kv.Node.Storage;

/// <summary>
/// The file that says which topology a node began from, as <see cref="TopologyText"/> and a last line <c>check</c> with the XXH3-64 of the lines before it (earlier builds wrote none):
/// what it acts on until it has decided or learned a later one. A node that
/// found its cluster by asking cannot work this out again from its settings.
/// </summary>
internal static class GenesisFile
{
    public const string Name = "genesis";

    private const string CheckName = "check ";

    /// <summary>Durable when it returns.</summary>
    public static void Write(string directory, ClusterTopology genesis) =>
        DurableFile.Replace(Path.Combine(directory, Name), Encoding.UTF8.GetBytes(Checked(TopologyText.Write(genesis))));

    /// <summary>Null when there is none. Throws <see cref="FormatException"/> when it is damaged, or another cluster's.</summary>
    public static ClusterTopology? Read(string directory, ClusterId cluster)
    {
        var file = Path.Combine(directory, Name);
        if (!File.Exists(file)) return null;
        var text = Encoding.UTF8.GetString(File.ReadAllBytes(file));
        var end = text.LastIndexOf(CheckName, StringComparison.Ordinal);
        if (end >= 0 && Checked(text[..end]) != text) throw new FormatException("the check line does not match");
        var genesis = TopologyText.Parse(end >= 0 ? text[..end] : text);
        return genesis.Cluster == cluster ? genesis : throw new FormatException($"it is of cluster {genesis.Cluster}");
    }

    private static string Checked(string lines) => $"{lines}{CheckName}{XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(lines)).ToString("x16", CultureInfo.InvariantCulture)}\n";
}
