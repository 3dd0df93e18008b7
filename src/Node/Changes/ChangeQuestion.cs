using Kv.Common.Causality;
using Kv.Common.Identity;

namespace Kv.Node.Changes;

/// <summary>Asks a replica of a group for what it holds beyond what was passed on.</summary>
/// <param name="Epoch">The replica must have followed this topology.</param>
/// <param name="Prefix">Keys that do not begin so are left out.</param>
/// <param name="Wait">Null for the passages, at once; else only the cut is wanted, as soon as there is more than was passed on, or after this time.</param>
internal sealed record ChangeQuestion(Epoch Epoch, ReplicaGroup Group, ReadOnlyMemory<byte> Prefix, VersionVector Passed, int MaxBytes, TimeSpan? Wait);
