using Kv.Common.Causality;
using Kv.Common.Replication;

namespace Kv.Common.Changes;

/// <summary>What a replica of one shard has beyond what was passed already.</summary>
/// <param name="Cut">All that it holds.</param>
/// <param name="Passages">What comes first, in the order of the stamps of the records; a gap stands where it may be passed.</param>
/// <param name="IsWhole">True when <paramref name="Passages"/> reach up to the cut; if not, what is still to come has no smaller stamps than they have.</param>
public sealed record ChangeNews(VersionVector Cut, IReadOnlyList<Passage> Passages, bool IsWhole);
