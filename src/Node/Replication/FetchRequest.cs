using Kv.Common.Causality;
using Kv.Common.Identity;

namespace Kv.Node.Replication;

/// <summary>
/// Asks for log entries that are in <paramref name="Want"/> but not in <paramref name="Have"/>, of one who has the same place: what it holds, and what it lacks
/// for good, means something only for the same ranges.
/// </summary>
internal sealed record FetchRequest(ReplicaGroup Place, VersionVector Have, VersionVector Want);
