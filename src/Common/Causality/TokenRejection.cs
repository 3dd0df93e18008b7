namespace Kv.Common.Causality;

/// <summary>Why a sealed token was refused.</summary>
public enum TokenRejection
{
    None = 0,

    /// <summary>Not base64url, truncated, oversized, not canonical, or of an unknown format version.</summary>
    Malformed = 1,

    /// <summary>Well formed, but sealed for another cluster.</summary>
    ForeignCluster = 2,

    /// <summary>The seal does not match the content.</summary>
    Tampered = 3,
}
