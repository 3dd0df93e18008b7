namespace Kv.Node.Membership;

/// <summary>What a beat meant.</summary>
internal enum PeerChange
{
    /// <summary>An alive peer is still alive.</summary>
    None,

    /// <summary>The first beat of this peer since this process started.</summary>
    Joined,

    /// <summary>A suspect was heard again.</summary>
    Cleared,

    /// <summary>A peer held dead was heard again.</summary>
    Returned,

    /// <summary>Another incarnation is at the address: nothing that the former one said holds any more.</summary>
    Replaced,

    /// <summary>A leftover of an incarnation that was replaced just now, or of one that has said that it has ended.</summary>
    Ignored,

    /// <summary>It says that it ends soon.</summary>
    Leaving,

    /// <summary>It says that it has ended: nobody has to find out.</summary>
    Gone,
}
