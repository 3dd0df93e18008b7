namespace Kv.Common.Membership;

/// <summary>What one node believes of another. Advisory and local: two nodes may differ for a moment, and nothing but routing and the view follows it.</summary>
public enum PeerState
{
    /// <summary>Never heard from since this process started. Not in the view.</summary>
    Unknown = 0,

    /// <summary>Heard from in time. In the view, and requests may be sent to it.</summary>
    Alive = 1,

    /// <summary>
    /// Silent for too long here, but not yet confirmed by others, or others still hear it. In the view, because it may well be serving, but no request
    /// is routed to it, because this node would wait for nothing.
    /// </summary>
    Suspect = 2,

    /// <summary>Silent here, and nobody who was asked hears it; or it said itself that it has ended. Not in the view, until its next beat.</summary>
    Dead = 3,
}
