namespace Kv.Node.Backup;

/// <summary>Backup and restore. Section <c>Backup</c>.</summary>
internal sealed class BackupOptions
{
    /// <summary>Most snapshots that a node keeps at a time for backups, its own and those that other nodes make; more are refused. What is overwritten meanwhile takes disk beside what overwrites it.</summary>
    public int MaxSnapshots { get; set; } = 2;

    /// <summary>How long a backup may take to begin: until every shard has a snapshot and all of them fit together.</summary>
    public TimeSpan PrepareTimeout { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>How long a replica may take for one step of that.</summary>
    public TimeSpan AnswerTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long the client of a backup may take for one piece of it, 256 KiB or one larger value, before the backup is broken off: some 10 KiB a second are fast enough.</summary>
    public TimeSpan ClientPatience { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the replica that gives a shard may send nothing before the backup is broken off: its disk may stand still although it is heard.</summary>
    public TimeSpan DonorPatience { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Where a backup is kept while it is restored; its size on disk. By default a directory <c>staging</c> in the data directory, or the system's own without one.</summary>
    public string StagingDirectory { get; set; } = "";

    /// <summary>Bytes of keys and values that a restore sorts in memory at a time. 32 MiB.</summary>
    public int SortBytes { get; set; } = 32 << 20;

    /// <summary>
    /// How many keys a restore writes at a time, in the order in which they were written first. Within so many a reader may see an effect for a moment before its cause; 1 for never, and slow.
    /// </summary>
    public int RestoreWindow { get; set; } = 256;

    /// <summary>For how long a restore tries to write a key that cannot be written at the moment before it is broken off.</summary>
    public TimeSpan RestorePatience { get; set; } = TimeSpan.FromMinutes(1);

    public IEnumerable<string> Validate()
    {
        if (MaxSnapshots is < 1 or > 64) yield return "Backup:MaxSnapshots must be 1 to 64.";
        if (PrepareTimeout <= TimeSpan.Zero) yield return "Backup:PrepareTimeout must be more than zero.";
        if (AnswerTimeout <= TimeSpan.Zero || AnswerTimeout > PrepareTimeout) yield return "Backup:AnswerTimeout must be more than zero and at most Backup:PrepareTimeout.";
        if (ClientPatience <= TimeSpan.Zero) yield return "Backup:ClientPatience must be more than zero.";
        if (DonorPatience < AnswerTimeout) yield return "Backup:DonorPatience must be at least Backup:AnswerTimeout.";
        if (SortBytes is < 1 << 16 or > 1 << 30) yield return "Backup:SortBytes must be 64 KiB to 1 GiB.";
        if (RestoreWindow is < 1 or > 4096) yield return "Backup:RestoreWindow must be 1 to 4096.";
        if (RestorePatience <= TimeSpan.Zero) yield return "Backup:RestorePatience must be more than zero.";
    }
}
