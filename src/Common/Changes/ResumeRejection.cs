namespace Kv.Common.Changes;

/// <summary>Why a text is no resume point.</summary>
public enum ResumeRejection
{
    None,

    /// <summary>It is not what was given out, or was changed.</summary>
    Malformed,

    /// <summary>It was given out by another cluster.</summary>
    OtherCluster,

    /// <summary>It speaks of keys with another prefix.</summary>
    OtherPrefix,
}
