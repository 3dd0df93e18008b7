namespace Kv.Node.Hosting;

/// <summary>What the process tells whoever started it. Part of what operators script against: append only.</summary>
internal static class ExitCodes
{
    /// <summary>Something failed that must not; the log says what.</summary>
    public const int Failed = 1;

    /// <summary>The settings, the data directory or a port are not for this node. To start it again changes nothing.</summary>
    public const int Refused = 2;

    /// <summary>The data are damaged. To start it again changes nothing; to rebuild it does.</summary>
    public const int Damaged = 3;

    /// <summary>The disk could not be read or written. When it can be again, the node starts with everything it acknowledged.</summary>
    public const int DiskFailed = 4;
}
