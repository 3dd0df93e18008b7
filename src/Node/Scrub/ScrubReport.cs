using System.Collections.Immutable;

namespace Kv.Node.Scrub;

/// <summary>How far the comparison of this node's replica with the others is, and what it has found since the process began.</summary>
/// <param name="State">What it does.</param>
/// <param name="ArcsDone">Of the pass under way.</param>
/// <param name="ArcsTotal">That the pass goes through; 0 before the first one.</param>
/// <param name="Passes">That went through everything.</param>
/// <param name="LastPassEnded">When the last of them ended; null before that.</param>
/// <param name="MissingWrites">How many were found.</param>
/// <param name="WrongCounts">How many were found.</param>
/// <param name="Findings">The last <see cref="ScrubProgress.MostRemembered"/>, newest first.</param>
internal sealed record ScrubReport(
    ScrubState State,
    int ArcsDone,
    int ArcsTotal,
    long Passes,
    DateTimeOffset? LastPassEnded,
    long MissingWrites,
    long WrongCounts,
    ImmutableArray<ScrubFinding> Findings);

/// <summary>What the comparison does.</summary>
internal enum ScrubState
{
    /// <summary>It is turned off.</summary>
    Off,

    /// <summary>It waits until this node holds its shard whole and no keys are moving.</summary>
    Waiting,

    /// <summary>It goes through what is held.</summary>
    Running,
}
