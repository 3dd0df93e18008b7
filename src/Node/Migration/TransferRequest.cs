using System.Collections.Immutable;
using Kv.Common.Causality;
using Kv.Common.Identity;
using Kv.Common.Topology;

namespace Kv.Node.Migration;

/// <summary>Asks a complete member of a group for the records in some ranges.</summary>
/// <param name="Epoch">The donor must know this topology: from then on it knows who is being filled.</param>
/// <param name="Source">The group that the donor must hold.</param>
/// <param name="Have">What the donor must hold at least, so that what it gives fits to what was given before.</param>
/// <param name="Ranges">Ascending, apart, and all of them the source's.</param>
internal sealed record TransferRequest(Epoch Epoch, ReplicaGroup Source, VersionVector Have, ImmutableArray<RingRange> Ranges);
