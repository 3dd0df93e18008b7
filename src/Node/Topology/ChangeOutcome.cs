using System.Collections.Immutable;
using Kv.Common.Consensus;
using Kv.Common.Topology;

namespace Kv.Node.Topology;

/// <summary>What became of a wish to change the topology.</summary>
internal abstract record ChangeOutcome
{
    private ChangeOutcome()
    {
    }

    /// <summary>It is so, in <paramref name="Topology"/>. <paramref name="Changed"/>: by this wish, and not before.</summary>
    internal sealed record Done(ClusterTopology Topology, bool Changed) : ChangeOutcome;

    /// <summary>The rules say no, on the strength of the latest topology.</summary>
    internal sealed record Refused(ChangeRefusal Reason, ClusterTopology Topology) : ChangeOutcome;

    /// <summary>Whoever wished for it took it back before it was decided.</summary>
    internal sealed record Withdrawn : ChangeOutcome;

    /// <summary>
    /// Those who decide could not be brought together in time; the wish may or may not come true later. <paramref name="Missing"/>: who did not answer.
    /// </summary>
    internal sealed record NoQuorum(ImmutableArray<Acceptor> Missing, string? Conflict) : ChangeOutcome;
}
