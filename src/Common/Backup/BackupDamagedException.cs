namespace Kv.Common.Backup;

/// <summary>These bytes are not a whole backup file; the message says what is wrong, for whoever has the file.</summary>
public sealed class BackupDamagedException(string message) : Exception(message);
