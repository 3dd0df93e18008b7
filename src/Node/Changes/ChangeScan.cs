using Kv.Common.Causality;
using Kv.Common.Identity;

namespace Kv.Node.Changes;

/// <summary>Asks a replica of a group for all that it holds beyond what was passed on, from the data and not from the log.</summary>
/// <param name="IsAll">Of somebody who has nothing: deletions are left out.</param>
internal sealed record ChangeScan(Epoch Epoch, ReplicaGroup Group, ReadOnlyMemory<byte> Prefix, VersionVector Passed, bool IsAll);
