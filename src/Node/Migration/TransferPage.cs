using System.Collections.Immutable;
using Kv.Common.Causality;
using Kv.Common.Replication;
using Kv.Common.Topology;

namespace Kv.Node.Migration;

/// <summary>What a donor gave at once of some ranges, whole as its digest says.</summary>
/// <param name="Cut">What the donor held before it scanned.</param>
/// <param name="Records">In ring order.</param>
/// <param name="Rest">The ranges that are still to be asked for.</param>
/// <param name="Took">How long the link took from the first of the answer to the last.</param>
internal sealed record TransferPage(VersionVector Cut, IReadOnlyList<WriteRecord> Records, ImmutableArray<RingRange> Rest, TimeSpan Took)
{
    /// <summary>Bytes of keys, values and tokens.</summary>
    public long Bytes => Records.Sum(record => (long)record.Key.Utf8.Length + record.Value.Length + record.Token.Length);
}
