using System.Globalization;
using System.Text;
using Kv.Common.Identity;
using Kv.Common.Topology;

namespace Kv.Node.Storage;

/// <summary>
/// What becomes of the data directory of a node that was removed from its cluster: everything is kept beside, under <c>removed-&lt;incarnation&gt;</c>, and
/// the directory begins anew, for a node that waits to be let in. Each step can be repeated, so a crash in between only means to go on.
/// </summary>
internal static class RemovedNode
{
    private const string MarkName = "removed";
    private const string SuccessorName = "uninvited";

    /// <summary>The node is to begin anew when the directory is opened next. Durable when it returns.</summary>
    public static void Mark(string directory, Incarnation removed, ClusterTopology topology) =>
        DurableFile.Replace(Path.Combine(directory, MarkName), Encoding.UTF8.GetBytes($"{removed}\n{TopologyText.Write(topology)}"));

    /// <summary>
    /// Does what the mark asks for, if there is one; throws <see cref="FormatException"/> when it is damaged. 1. Remember where the successor begins. 2. Put the former node's <paramref name="names"/> aside.
    /// 3. Remove the mark.
    /// </summary>
    public static void SetAside(string directory, params IEnumerable<string> names)
    {
        var mark = Path.Combine(directory, MarkName);
        if (!File.Exists(mark)) return;
        var text = File.ReadAllText(mark);
        var line = text.IndexOf('\n', StringComparison.Ordinal);
        // Before anything is moved by what it says.
        if (line < 0 || !ulong.TryParse(text[..line], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out _)) throw new FormatException("its mark names no incarnation");
        TopologyText.Parse(text[(line + 1)..]);
        DurableFile.Replace(Path.Combine(directory, SuccessorName), Encoding.UTF8.GetBytes(text[(line + 1)..]));
        var aside = Path.Combine(directory, $"removed-{text[..line]}");
        Directory.CreateDirectory(aside);
        foreach (var name in names)
        {
            var from = Path.Combine(directory, name);
            if (File.Exists(from) || Directory.Exists(from)) Directory.Move(from, Path.Combine(aside, name));
        }

        DurableFile.SyncDirectory(aside);
        DurableFile.SyncDirectory(directory);
        File.Delete(mark);
        DurableFile.SyncDirectory(directory);
    }

    /// <summary>Where a node begins that takes a removed one's place; null in other directories. Throws <see cref="FormatException"/> when it is damaged.</summary>
    public static ClusterTopology? SuccessorsGenesis(string directory)
    {
        var file = Path.Combine(directory, SuccessorName);
        return File.Exists(file) ? TopologyText.Parse(File.ReadAllText(file)) : null;
    }
}
