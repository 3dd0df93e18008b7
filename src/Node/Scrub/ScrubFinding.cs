using Kv.Common.Identity;

namespace Kv.Node.Scrub;

/// <summary>Something that was not as it must be, and was mended.</summary>
/// <param name="At">When, by this node's clock.</param>
/// <param name="Kind">What it was.</param>
/// <param name="Key">Of the write that was missing; null for a count.</param>
/// <param name="From">Who had it; null for a count.</param>
/// <param name="Arc">Where on the ring.</param>
internal sealed record ScrubFinding(DateTimeOffset At, ScrubFindingKind Kind, Key? Key, NodeAddress? From, int Arc);

/// <summary>What was not as it must be.</summary>
internal enum ScrubFindingKind
{
    /// <summary>A write that this replica is to hold was not here, nor a later one of its key. It was taken from another member.</summary>
    MissingWrite,

    /// <summary>An arc did not come to what had been counted. It was counted again.</summary>
    WrongCount,
}
