using Kv.Common.Backup;

namespace Kv.Node.Backup;

/// <summary>Everything a restore can end in.</summary>
internal abstract record RestoreOutcome
{
    private RestoreOutcome()
    {
    }

    /// <summary>All keys are written. <paramref name="Token"/>, sealed, covers them. <paramref name="IsVerified"/>: the cluster then held exactly what the file has.</summary>
    internal sealed record Done(ContentDigest Content, ReadOnlyMemory<byte> Token, bool IsVerified) : RestoreOutcome;

    /// <summary>All keys are written into a cluster that was empty, and it holds something else: somebody wrote meanwhile.</summary>
    internal sealed record Different(ContentDigest File, ContentDigest Cluster) : RestoreOutcome;

    /// <summary>The body is not a whole backup, or has what cannot be stored here. Nothing was written.</summary>
    internal sealed record Unusable(string Error) : RestoreOutcome;

    /// <summary>The cluster has keys, and that they may be overwritten was not said. Nothing was written.</summary>
    internal sealed record NotEmpty(long Keys) : RestoreOutcome;

    /// <summary>The node's disk has no room for the file. Nothing was written.</summary>
    internal sealed record NoRoom : RestoreOutcome;

    /// <summary>The cluster did not answer what has to be known first. Nothing was written.</summary>
    internal sealed record Unavailable(string Error) : RestoreOutcome;

    /// <summary>Some keys are written, and then it did not go on: it is to be run again.</summary>
    internal sealed record BrokenOff(string Error, bool IsDiskFull) : RestoreOutcome;
}
