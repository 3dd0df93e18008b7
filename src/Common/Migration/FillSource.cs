using Kv.Common.Causality;
using Kv.Common.Identity;

namespace Kv.Common.Migration;

/// <summary>One group from which a replica is filled.</summary>
/// <param name="Group">Who gives.</param>
/// <param name="Vector">
/// Every write it covers whose key lies in the ranges that come from this source is stored: at once for what the broadcast brought, and for the rest when
/// the source is whole. Empty until a donor has told its cut.
/// </param>
/// <param name="Cut">What came by a scan, and so is not in the log here: the vector that the donor told before it. Null until one has.</param>
/// <param name="IsWhole">True once a scan from that cut on was taken in to its end.</param>
public sealed record FillSource(ReplicaGroup Group, VersionVector Vector, VersionVector? Cut, bool IsWhole)
{
    /// <summary>A source of which nothing is here yet.</summary>
    public static FillSource Of(ReplicaGroup group) => new(group, VersionVector.Empty, null, false);
}
