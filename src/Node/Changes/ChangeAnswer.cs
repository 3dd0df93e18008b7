using Kv.Common.Changes;
using Kv.Common.Identity;

namespace Kv.Node.Changes;

/// <summary>What a replica answers to a <see cref="ChangeQuestion"/>.</summary>
internal abstract record ChangeAnswer
{
    private ChangeAnswer()
    {
    }

    /// <summary>What there is.</summary>
    internal sealed record Told(ChangeNews News) : ChangeAnswer;

    /// <summary>The log does not reach back so far.</summary>
    /// <param name="IsForgotten">Nor do the deletions that are remembered: what was deleted meanwhile would be missed.</param>
    internal sealed record BeyondLog(bool IsForgotten) : ChangeAnswer;

    /// <summary>The replica is not of that group, not whole, or does not know the epoch.</summary>
    /// <param name="Newest">The topology that it knows.</param>
    internal sealed record NotHere(Epoch Newest) : ChangeAnswer;
}
