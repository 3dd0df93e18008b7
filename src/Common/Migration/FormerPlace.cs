using Kv.Common.Causality;
using Kv.Common.Identity;

namespace Kv.Common.Migration;

/// <summary>
/// What a replica held of a group that a reshard has ended. Its log has, whatever ranges are its own now, every write to the group's keys that
/// <paramref name="Vector"/> covers and <paramref name="LoggedAfter"/> does not.
/// </summary>
public sealed record FormerPlace(ReplicaGroup Group, VersionVector LoggedAfter, VersionVector Vector);
