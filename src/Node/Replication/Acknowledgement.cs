using Kv.Common.Causality;
using Kv.Common.Identity;

namespace Kv.Node.Replication;

/// <summary>
/// What the incarnation <paramref name="From"/> holds durably: everything in the first one on a stream, after that what has become more since the one before.
/// </summary>
internal sealed record Acknowledgement(Incarnation From, VersionVector Vector);
