using System.Globalization;
using System.Text;

namespace Kv.StorageContract.Damage;

/// <summary>How a damaged store was found out, or that it did not matter.</summary>
internal enum DamageOutcome
{
    /// <summary>The store did not open.</summary>
    RefusedAtStart,

    /// <summary>It opened, and the first read that met the damage failed.</summary>
    RefusedOnRead,

    /// <summary>Everything it answered was right.</summary>
    ServedRight,
}

/// <summary>Outcomes counted by what was damaged.</summary>
internal sealed class DamageFigures
{
    private readonly SortedDictionary<string, int[]> _counts = new(StringComparer.Ordinal);

    public int this[DamageOutcome outcome] => _counts.Values.Sum(counts => counts[(int)outcome]);

    /// <summary>The kinds of files that were damaged at least once.</summary>
    public IReadOnlyCollection<string> Kinds => _counts.Keys;

    public void Add(string kind, DamageOutcome outcome)
    {
        if (!_counts.TryGetValue(kind, out var counts)) _counts.Add(kind, counts = new int[3]);
        counts[(int)outcome]++;
    }

    /// <summary>As Markdown.</summary>
    public string Table()
    {
        var table = new StringBuilder("| file | refused at start | refused on read | served right |\n| --- | --- | --- | --- |\n");
        foreach (var (kind, counts) in _counts) table.Append(CultureInfo.InvariantCulture, $"| {kind} | {counts[0]} | {counts[1]} | {counts[2]} |\n");
        return table.ToString();
    }
}
