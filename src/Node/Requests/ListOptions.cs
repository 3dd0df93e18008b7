namespace Kv.Node.Requests;

/// <summary>
/// How large the pages of a listing are, and how much is looked at for one: a page is short, or has no key at all, when few of the keys there match. Section <c>Listing</c>.
/// </summary>
internal sealed class ListOptions
{
    /// <summary>Keys of a page when the client does not say how many.</summary>
    public int DefaultKeys { get; set; } = 100;

    /// <summary>Most keys that a client may ask for at a time.</summary>
    public int MaxKeys { get; set; } = 1000;

    /// <summary>A page ends when its keys, values and versions come to this, bytes; it has one key at least, however large. 1 MiB.</summary>
    public int MaxBytes { get; set; } = 1 << 20;

    /// <summary>Most records, deletions among them, that a replica looks at for a page.</summary>
    public int MaxRecordsRead { get; set; } = 10_000;

    /// <summary>Most bytes of records that a replica looks at for a page; it ends with the one that comes to this. 8 MiB.</summary>
    public int MaxBytesRead { get; set; } = 8 << 20;

    public IEnumerable<string> Validate()
    {
        if (MaxKeys is < 1 or > 100_000) yield return "Listing:MaxKeys must be 1 to 100000.";
        if (DefaultKeys < 1 || DefaultKeys > MaxKeys) yield return "Listing:DefaultKeys must be 1 to Listing:MaxKeys.";
        if (MaxBytes is < 1024 or > 16 << 20) yield return "Listing:MaxBytes must be 1 KiB to 16 MiB.";
        if (MaxRecordsRead is < 1 or > 1 << 20) yield return "Listing:MaxRecordsRead must be 1 to 1048576.";
        if (MaxBytesRead is < 1024 or > 64 << 20) yield return "Listing:MaxBytesRead must be 1 KiB to 64 MiB.";
    }
}
