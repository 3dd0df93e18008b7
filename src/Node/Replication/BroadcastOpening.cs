using Kv.Common.Identity;
using Kv.Common.Topology;

namespace Kv.Node.Replication;

/// <summary>How a sender introduces its broadcast: what it knows, so that both ends mean the same by what is sent and what is left out.</summary>
/// <param name="Epoch">The receiver must know this topology, or a later one of the same scope.</param>
/// <param name="Scope">The stream ends when it changes at either end.</param>
internal sealed record BroadcastOpening(Epoch Epoch, LayoutScope Scope);
