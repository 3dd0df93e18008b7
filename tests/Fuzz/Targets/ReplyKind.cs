namespace Kv.Fuzz.Targets;

/// <summary>What a peer answers to.</summary>
internal enum ReplyKind
{
    /// <summary>A client's request that was forwarded to it.</summary>
    Forwarding = 0,

    /// <summary>A fetch of records.</summary>
    Records = 1,

    /// <summary>The register's calls.</summary>
    Control = 2,
}
