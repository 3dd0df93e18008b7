using System.Globalization;
using System.Text;

namespace Kv.Node.Storage;

/// <summary>
/// What becomes of data that are damaged. They are marked, so that a node that met the damage while it ran does not serve from them after a restart; and, when an operator asks for it,
/// put aside whole under <c>damaged-&lt;time&gt;</c>, so that the node begins anew as another incarnation. Nothing is deleted. Each step can be repeated, so a crash in between only
/// means to go on. As long as something lies there, nothing else is put aside: a disk that damages what it is given must not be fed for ever.
/// </summary>
internal static class DamagedData
{
    private const string MarkName = "damaged";
    private const string AsidePrefix = "damaged-";

    /// <summary>Durable when it returns.</summary>
    public static void Mark(string directory, string what) => DurableFile.Replace(Path.Combine(directory, MarkName), Encoding.UTF8.GetBytes(what.ReplaceLineEndings(" ") + "\n"));

    /// <summary>Throws <see cref="StorageDamagedException"/> when the data are marked.</summary>
    public static void ThrowIfMarked(string directory)
    {
        var mark = Path.Combine(directory, MarkName);
        if (File.Exists(mark)) throw new StorageDamagedException($"The data in {directory} were found damaged before (the file {mark} says so): {File.ReadAllText(mark).Trim().ReplaceLineEndings(" ")}");
    }

    /// <summary>Where damaged data were put aside; null when none were.</summary>
    public static string? FindAside(string directory) =>
        Directory.Exists(directory) ? Directory.GetDirectories(directory, AsidePrefix + "*").FirstOrDefault(aside => File.Exists(Path.Combine(aside, MarkName))) : null;

    /// <summary>
    /// Puts the <paramref name="names"/> aside. 1. Mark: from here on nobody serves from what is half moved. 2. Move, to where an interrupted attempt had begun to if there was one. 3. Move the
    /// mark, which ends it. Gives the new place.
    /// </summary>
    public static string PutAside(string directory, string why, DateTimeOffset now, params IEnumerable<string> names)
    {
        // 1.
        if (!File.Exists(Path.Combine(directory, MarkName))) Mark(directory, why);

        // 2.
        var aside = Directory.GetDirectories(directory, AsidePrefix + "*").FirstOrDefault(begun => !File.Exists(Path.Combine(begun, MarkName)))
            ?? Path.Combine(directory, AsidePrefix + now.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture));
        Directory.CreateDirectory(aside);
        foreach (var name in names)
        {
            var from = Path.Combine(directory, name);
            if (File.Exists(from) || Directory.Exists(from)) Directory.Move(from, Path.Combine(aside, name));
        }

        DurableFile.SyncDirectory(aside);
        DurableFile.SyncDirectory(directory);

        // 3.
        File.Move(Path.Combine(directory, MarkName), Path.Combine(aside, MarkName));
        DurableFile.SyncDirectory(aside);
        DurableFile.SyncDirectory(directory);
        return aside;
    }
}
