using Kv.Common.Causality;
using Kv.Common.Identity;

namespace Kv.Node.Replication;

/// <summary>Everything that the incarnation <paramref name="From"/> holds durably.</summary>
internal sealed record Acknowledgement(Incarnation From, VersionVector Vector);
