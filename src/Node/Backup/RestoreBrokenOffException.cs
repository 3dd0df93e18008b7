namespace Kv.Node.Backup;

/// <summary>A restore that had begun to write cannot go on; the message says why.</summary>
internal sealed class RestoreBrokenOffException(string message, bool isDiskFull) : Exception(message)
{
    public bool IsDiskFull { get; } = isDiskFull;
}
