namespace Kv.Node.Migration;

/// <summary>What a receiver asks a donor about some ranges. Values are those of the wire.</summary>
internal enum TransferKind
{
    /// <summary>The records.</summary>
    Records = 0,

    /// <summary>In which of them the donor has something else than the receiver says that it has.</summary>
    Differences = 1,

    /// <summary>Which records there are: position and digest of each.</summary>
    Entries = 2,
}
