using Kv.Common.Causality;
using Kv.Common.Changes;

namespace Kv.Node.Changes;

/// <summary>Where a client wants its feed to begin.</summary>
internal abstract record FeedStart
{
    private FeedStart()
    {
    }

    /// <summary>With what is written from now on, and after <paramref name="Past"/>.</summary>
    internal sealed record Now(CausalToken Past) : FeedStart;

    /// <summary>With the state as it is, which holds <paramref name="Past"/>.</summary>
    internal sealed record Beginning(CausalToken Past) : FeedStart;

    /// <summary>Where it was.</summary>
    internal sealed record After(ResumePoint Point) : FeedStart;
}
