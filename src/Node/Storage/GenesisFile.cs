using System.Text;
using Kv.Common.Identity;
using Kv.Common.Topology;

namespace Kv.Node.Storage;

/// <summary>
/// The file that says which topology a node began from, as <see cref="TopologyText"/>: what it acts on until it has decided or learned a later one. A node that
/// found its cluster by asking cannot work this out again from its settings.
/// </summary>
internal static class GenesisFile
{
    public const string Name = "genesis";

    /// <summary>Durable when it returns.</summary>
    public static void Write(string directory, ClusterTopology genesis) =>
        DurableFile.Replace(Path.Combine(directory, Name), Encoding.UTF8.GetBytes(TopologyText.Write(genesis)));

    /// <summary>Null when there is none. Throws <see cref="FormatException"/> when it is damaged, or another cluster's.</summary>
    public static ClusterTopology? Read(string directory, ClusterId cluster)
    {
        var file = Path.Combine(directory, Name);
        if (!File.Exists(file)) return null;
        var genesis = TopologyText.Parse(Encoding.UTF8.GetString(File.ReadAllBytes(file)));
        return genesis.Cluster == cluster ? genesis : throw new FormatException($"it is of cluster {genesis.Cluster}");
    }
}
