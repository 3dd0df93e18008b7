namespace Kv.Node.Backup;

/// <summary>A backup, or a replica's part of one, cannot be made now; the message says why.</summary>
internal sealed class BackupRefusedException(string message) : Exception(message);
