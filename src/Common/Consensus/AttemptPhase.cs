namespace Kv.Common.Consensus;

/// <summary>How far one attempt is. All but the first two are ends.</summary>
public enum AttemptPhase
{
    /// <summary>Waits for a quorum of promises.</summary>
    Preparing = 0,

    /// <summary>Waits for a quorum of votes for the attempt's value.</summary>
    Accepting = 1,

    /// <summary>The value is decided; it need not be the proposer's own.</summary>
    Chosen = 2,

    /// <summary>A higher ballot is about. The value of this attempt may still become chosen, by whoever has that ballot.</summary>
    Rejected = 3,

    /// <summary>The epoch is decided already.</summary>
    Behind = 4,

    /// <summary>Somebody knows another history: an error for an operator.</summary>
    Conflicting = 5,

    /// <summary>The attempt had no value of its own, and when it began none was decided.</summary>
    NothingPending = 6,
}
