using Kv.Common.Causality;
using Kv.Common.Identity;

namespace Kv.Node.Replica;

/// <summary>What is held durably everywhere it matters, by the topology of that epoch: by a later one it may matter to others.</summary>
internal readonly record struct StableVector(VersionVector Vector, Epoch Epoch);
