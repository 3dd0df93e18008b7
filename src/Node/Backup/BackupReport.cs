namespace Kv.Node.Backup;

/// <summary>How far a backup or a restore is, or how it ended.</summary>
/// <param name="Kind"><c>backup</c>, <c>restore</c> or <c>digest</c>.</param>
/// <param name="Stage">What is being done, or was when it ended.</param>
/// <param name="Keys">Sent or written so far.</param>
/// <param name="KeysTotal">About how many there are; 0 while unknown.</param>
/// <param name="Bytes">Of the file, sent or received so far.</param>
/// <param name="ShardsDone">Shards of the cluster whose part is done.</param>
/// <param name="ShardsTotal">How many there are; 0 while unknown.</param>
/// <param name="Elapsed">Since it began.</param>
/// <param name="End">Null while it runs; <c>done</c>, or what went wrong.</param>
internal sealed record BackupReport(string Kind, BackupStage Stage, long Keys, long KeysTotal, long Bytes, int ShardsDone, int ShardsTotal, TimeSpan Elapsed, string? End);
